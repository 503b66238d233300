"""What `deploy/` promises: values that the chart takes, numbers that were measured, a hub that keeps learners apart.

The chart's own schema is another project's text and not in this repository. `TAKEN` holds, in our words, the names and
types of those parts that our values use, as read in `jupyterhub/values.schema.yaml` of Zero to JupyterHub at commit
02dd73d: this test finds misspelt names and wrong types, not all that Helm would.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import runpy
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sizing
import yaml

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
VALUES = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text(encoding="utf-8"))

ANYTHING = object()
WHOLE, NUMBER, TEXT, YES_NO = (int,), (int, float), (str,), (bool,)
FILE = {"mountPath": TEXT, "mode": WHOLE, "data": ANYTHING, "stringData": TEXT, "binaryData": TEXT}
TAKEN = {
    "singleuser": {
        "image": {"name": TEXT, "tag": TEXT, "pullPolicy": TEXT, "pullSecrets": ANYTHING},
        "memory": {"guarantee": (str, int, float), "limit": (str, int, float)},
        "cpu": {"guarantee": NUMBER, "limit": NUMBER},
        "storage": {"type": {"dynamic", "static", "none"}, "capacity": TEXT, "homeMountPath": TEXT},
        "lifecycleHooks": {"postStart": ANYTHING, "preStop": ANYTHING},
        "extraEnv": ANYTHING,
        "defaultUrl": TEXT,
        "startTimeout": WHOLE,
        "cloudMetadata": {"blockWithIptables": YES_NO, "ip": TEXT},
        "networkPolicy": {"enabled": YES_NO},
    },
    "hub": {
        "config": ANYTHING,
        "extraFiles": {"*": FILE},
        "activeServerLimit": WHOLE,
        "concurrentSpawnLimit": WHOLE,
        "consecutiveFailureLimit": WHOLE,
    },
    "proxy": {
        "https": {"enabled": YES_NO, "type": {"", "letsencrypt", "manual", "offload", "secret"}},
        "service": {"type": {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}},
    },
    "prePuller": {"hook": {"enabled": YES_NO}, "continuous": {"enabled": YES_NO}},
    "scheduling": {
        "userScheduler": {"enabled": YES_NO},
        "podPriority": {"enabled": YES_NO},
        "userPlaceholder": {"enabled": YES_NO, "replicas": WHOLE},
        "userPods": {"nodeAffinity": {"matchNodePurpose": {"ignore", "prefer", "require"}}},
    },
    "cull": {"enabled": YES_NO, "timeout": WHOLE, "every": WHOLE},
}
SECRET = re.compile(r"secret|password|token|private|credential|client_id", re.IGNORECASE)


def faults(value: Any, taken: Any, path: str = "") -> Iterator[str]:
    """Yield what the chart would not take."""
    if isinstance(taken, dict):
        if not isinstance(value, dict):
            yield f"{path} holds no names"
            return
        for name, inner in value.items():
            known = taken.get(name, taken.get("*"))
            if known is None:
                yield f"{path}.{name} is unknown"
            else:
                yield from faults(inner, known, f"{path}.{name}")
    elif isinstance(taken, set):
        if value not in taken:
            yield f"{path} must be one of {sorted(taken)}, got {value!r}"
    elif taken is not ANYTHING and (not isinstance(value, taken) or (isinstance(value, bool) and taken != YES_NO)):
        yield f"{path} must be {' or '.join(one.__name__ for one in taken)}, got {value!r}"


def test_the_chart_takes_our_values() -> None:
    assert list(faults(VALUES, TAKEN)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [("singleuser.memory.guarantee", [1]), ("cull.timeout", "7200"), ("cull.evry", 1), ("proxy.https.type", "acme")],
)
def test_a_wrong_value_would_be_found(path: str, value: Any) -> None:
    part, name = path.rsplit(".", 1)
    nested: Any = {name: value}
    for word in reversed(part.split(".")):
        nested = {word: nested}
    assert list(faults(nested, TAKEN))


def test_no_secret_is_in_the_values() -> None:
    def names(value: Any) -> Iterator[str]:
        for name, inner in value.items():
            yield name
            if isinstance(inner, dict):
                yield from names(inner)

    assert not [name for name in names(VALUES) if SECRET.search(name)]
    assert not any("stringData" in one for one in VALUES["hub"]["extraFiles"].values())


def test_values_and_readme_say_what_was_measured() -> None:
    for path, made in ((sizing.VALUES, sizing.values), (sizing.README, sizing.readme)):
        text = path.read_text(encoding="utf-8")
        assert made(text) == text, f"{path.name} is not what was measured: python deploy/sizing.py --write"


def test_a_place_is_ready_for_every_learner_that_was_planned_for() -> None:
    assert VALUES["hub"]["activeServerLimit"] >= sizing.LEARNERS * (1 + sizing.Plan().spare)
    assert VALUES["scheduling"]["userPlaceholder"]["replicas"] == round(sizing.LEARNERS * sizing.Plan().spare)


def test_the_load_test_named_its_machine_and_ran_every_cell() -> None:
    found = sizing.measured()
    assert {"processor", "cores", "python"} <= set(found["machine"])
    assert len(found["together"]) == 4
    assert [one["failed"] for one in (*found["alone"], *found["together"])] == [[]] * 8


# The class list.


def made(folder: Path, *words: str) -> dict[str, str]:
    """Make a class list; return the passwords by name."""
    command = [sys.executable, str(DEPLOY / "make_class_list.py"), "--file", str(folder / "class-list"), *words]
    slips = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split(",") for line in slips.splitlines())


@pytest.fixture
def log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the authenticator's answer to a name and a password, without a hub around it."""
    import asyncio

    hub = SimpleNamespace(Authenticator=object)
    monkeypatch.setitem(sys.modules, "jupyterhub", SimpleNamespace(auth=hub))
    monkeypatch.setitem(sys.modules, "jupyterhub.auth", hub)
    monkeypatch.setenv("CLASS_LIST", str(tmp_path / "class-list"))
    settings = SimpleNamespace(JupyterHub=SimpleNamespace(), Authenticator=SimpleNamespace())
    loaded = runpy.run_path(str(DEPLOY / "hub_class_list.py"), {"c": settings})
    ask = loaded["ClassList"]().authenticate
    return lambda name, password: asyncio.run(ask(None, {"username": name, "password": password}))


def test_who_is_on_the_list_gets_in_with_the_own_password_only(tmp_path: Path, log_in: Any) -> None:
    slips = made(tmp_path, "ada", "grace")
    assert log_in("ada", slips["ada"]) == "ada"
    assert log_in("ada", slips["grace"]) is None
    assert log_in("alan", slips["ada"]) is None


def test_a_list_that_grows_keeps_the_passwords_that_were_given_out(tmp_path: Path, log_in: Any) -> None:
    slips = made(tmp_path, "--count", "2")
    slips |= made(tmp_path, "late")
    assert [log_in(name, password) for name, password in slips.items()] == ["learner-1", "learner-2", "late"]


def test_the_list_holds_no_password_and_is_its_owners_alone(tmp_path: Path) -> None:
    slips = made(tmp_path, "ada")
    path = tmp_path / "class-list"
    assert slips["ada"] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_that_could_be_more_than_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        made(tmp_path, "../root")


# The hub itself.

has_hub = pytest.mark.skipif(
    importlib.util.find_spec("jupyterhub") is None,
    reason="JupyterHub is not installed: pip install -r deploy/single/requirements.txt",
)
LOOK = """
import json, os, glob
from ipykernel.kernelapp import IPKernelApp
own = os.path.expanduser("~")
others = [path for path in glob.glob("/home/class-trial-*") if path != own]
def outcome(path):
    try:
        return os.listdir(path)
    except OSError as error:
        return type(error).__name__
print(json.dumps({"uid": os.getuid(), "transport": IPKernelApp.instance().transport, "home": oct(os.stat(own).st_mode),
                  "others": [outcome(path) for path in others], "notebooks": sorted(glob.glob("*.ipynb"))}))
"""


@pytest.mark.thorough
@has_hub
@pytest.mark.skipif(sys.platform == "win32", reason="JupyterHub needs Linux or macOS")
def test_two_learners_log_in_and_neither_reaches_the_others_server_or_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from load_test import free_ports, hub

    own_accounts = os.geteuid() == 0 and readable(Path(sys.executable)) and readable(ROOT / "notebooks")
    if not own_accounts:  # only root makes accounts, and they must be able to run this Python
        monkeypatch.setenv("CLASS_TRIAL", "1")
    folder = tmp_path / "hub"
    folder.mkdir()
    with hub(2, folder, free_ports(3)) as (_, (ada, grace)):
        for learner in (ada, grace):
            learner.log_in()
            learner.open("00_start_here.ipynb")
        seen = [json.loads(learner.run(LOOK).text) for learner in (ada, grace)]
        assert ada.get(f"/user/{grace.name}/api/contents").status_code in (403, 404)
    assert all("00_start_here.ipynb" in one["notebooks"] for one in seen)
    if own_accounts:
        assert all(one["transport"] == "ipc" for one in seen)
        assert len({0, *(one["uid"] for one in seen)}) == 3
        assert [one["others"] for one in seen] == [["PermissionError"]] * 2


def readable(program: Path) -> bool:
    """Say whether other accounts may enter every folder on the way to a program."""
    return all(folder.stat().st_mode & 0o001 for folder in program.resolve().parents)
