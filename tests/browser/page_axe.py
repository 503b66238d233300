"""What axe-core finds in what we draw. JupyterLab's own frame around the outputs is its own business."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from jupyter_page import NotebookPage

OURS = ".jp-OutputArea-output"


def violations(notebook: NotebookPage) -> list[str]:
    """Return what axe-core calls serious or critical: rule, place, reason."""
    found: dict[str, Any] = Axe().run(notebook.page, context=OURS).response
    assert len(found["passes"]) >= 10, "axe-core had next to nothing to look at"
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
