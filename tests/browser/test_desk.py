"""The desk in a real JupyterLab: a file chosen on the page is looked at, read, and decided on."""

from collections.abc import Callable
from pathlib import Path

from jupyter_page import NotebookPage
from lab_server import LabServer
from playwright.sync_api import expect
from scratch_notebook import write_notebook

LOG = Path(__file__).resolve().parents[2] / "data" / "samples" / "shop_alb.log"


def test_a_file_chosen_on_the_page_becomes_advice(
    server: LabServer, open_in_lab: Callable[[str], NotebookPage], tmp_path: Path
) -> None:
    notebook = open_in_lab(
        write_notebook(server, "desk.ipynb", "from helpers.report import Desk", "desk = Desk()\ndesk")
    )
    notebook.run_all()
    desk = notebook.cell(1)
    with notebook.page.expect_file_chooser() as chooser:
        desk.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(LOG)
    status = desk.get_by_role("status")
    expect(status).to_contain_text("AWS Application Load Balancer access log", timeout=30_000)
    desk.get_by_role("button", name="Read and decide").click()
    expect(status).to_contain_text("60 requests read from shop_alb.log", timeout=60_000)
    target = tmp_path / "mine.html"
    desk.get_by_label("write the record to").fill(str(target))
    desk.get_by_label("write the record to").press("Enter")
    desk.get_by_role("button", name="Write", exact=True).click()
    expect(status).to_contain_text("Written: mine.html", timeout=30_000)
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    notebook.page.screenshot(path=Path("build") / "screenshots" / "desk.png")
    assert notebook.faults() == []
