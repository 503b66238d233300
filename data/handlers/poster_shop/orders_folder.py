"""Orders in a folder, one file each: for one machine, or a volume that a container mounts."""

import json
import os
from pathlib import Path
from urllib.parse import quote


class Orders:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def save(self, order):
        # A reader sees the old file or the new one, never half of it.
        new = self.folder / f"{os.getpid()}.new"
        new.write_text(json.dumps(order), encoding="utf-8")
        new.replace(self._file(order["number"]))

    def load(self, number):
        file = self._file(number)
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def _file(self, number):
        return self.folder / f"{quote(number, safe='')}.json"
