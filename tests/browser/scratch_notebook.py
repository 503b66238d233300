"""A notebook that exists only for a test: a few cells of source, in the folder that the server shows."""

from __future__ import annotations

import nbformat
from lab_server import LabServer


def write_notebook(server: LabServer, name: str, *sources: str) -> str:
    """Write code cells as ``notebooks/<name>`` of the server's folder and return the name."""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, server.folder / "notebooks" / name)
    return name
