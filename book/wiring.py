"""What Sphinx has to be told so that stored notebooks become a book.

Notebooks go through :func:`chapters.chapter` as they are read; links to files that are no page lead to the repository;
the landing page lies at the root; pictures and the one Plotly file are written beside the pages.
"""

from __future__ import annotations

import json
import posixpath
import re
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import chapters
import explorers
import moving
import parts
from docutils import nodes
from reading import opening, questions, text_of
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

NOTEBOOKS = "notebooks/"
MAP_IN = "notebooks/00_start_here"
TEACHING = "docs/README"
LOOKED_UP = {"docs/glossary", "docs/cheat-sheet"}
# What is computed while the notebooks are read, and written beside the pages: text by the name in _static.
files: dict[str, str] = {}
PLOTLY = f"plotly-{metadata.version('plotly')}.min.js"


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    app.add_config_value("repository", "", "env")
    app.add_config_value("branch", "main", "env")
    app.add_builder(Book, override=True)
    app.add_transform(ToTheRepository)
    app.add_directive("map", Map)
    app.add_directive("moving", Moving)
    app.add_directive("contents-of-the-book", Contents)
    app.add_js_file("book.js", loading_method="defer", **{"data-plotly": PLOTLY})
    app.connect("source-read", read_notebook)
    app.connect("doctree-read", name_cells)
    app.connect("env-updated", shorten_titles)
    app.connect("html-page-context", give_headings_a_level, priority=900)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": False, "parallel_write_safe": True}


class Book(StandaloneHTMLBuilder):
    """Pages as HTML, the landing page at the root of the site."""

    name = "html"  # what themes look for

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Return a page's address, relative to the root."""
        return super().get_target_uri("index" if docname == self.config.root_doc else docname, typ)

    def get_output_path(self, page_name: str, /) -> Path:
        """Return a page's file."""
        return Path(super().get_output_path("index" if page_name == self.config.root_doc else page_name))


def read_notebook(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace a notebook's JSON by its page, and give the first page for teachers the others as its parts."""
    if docname == TEACHING:
        source[0] += "\n\n" + contents("", [f"/{page}" for page in teaching(app.env)]).replace(":caption: \n", "")
    if not docname.startswith(NOTEBOOKS):
        return
    notebook = json.loads(source[0])
    try:
        source[0] = chapters.chapter(
            notebook,
            static="../_static",
            source=in_repository(app.env, f"{docname}.ipynb"),
            explorer=partial(move_explorer, docname, notebook),
        )
    except (KeyError, ValueError) as error:
        raise ExtensionError(f"{docname}.ipynb: {error}") from error


def move_explorer(docname: str, notebook: dict[str, Any], cell: dict[str, Any]) -> str:
    """Compute an explorer's states, keep the file that holds them, and return the explorer's HTML.

    Raises
    ------
    ValueError
        If it doesn't say what the notebook has stored.
    """
    earlier = notebook["cells"][: notebook["cells"].index(cell)]
    try:
        explorer = explorers.made(cell, earlier)
    except NameError:  # it shows what other cells computed, and stays a card
        return ""
    (said,) = (text_of(output["data"]["text/plain"]) for output in cell["outputs"])
    if explorer.sentence != said:
        raise ValueError(f"explorer {cell['id']} says {explorer.sentence!r}, and the stored notebook {said!r}")
    name = f"{posixpath.basename(docname)[:2]}-{cell['id']}"
    files[f"{explorers.FOLDER}/{name}.js"] = explorers.file(name, explorer)
    source = f"../_static/{explorers.FOLDER}/{name}.js"
    binder = opening(notebook).binder
    return parts.moving_explorer(name, source, explorers.controls(explorer, name), said, binder)


def in_repository(env: BuildEnvironment, path: str, kind: str = "blob") -> str:
    """Return the address of a file or, with ``kind="tree"``, a folder in the repository."""
    return f"{env.config.repository}/{kind}/{env.config.branch}/{path}"


def label(docname: str) -> str:
    """Name a chapter for the sidebar: its file name says what it is about, its title what it finds.

    Examples
    --------
    >>> label("notebooks/06_pay_per_invocation")
    '06 Pay per invocation'
    """
    number, _, words = posixpath.basename(docname).partition("_")
    return f"{number} {words.replace('_', ' ').capitalize()}"


def name_cells(app: Sphinx, doctree: nodes.document) -> None:
    """Let links lead to the cells of a notebook; one to a cell that is gone then is a warning."""
    env = app.env
    if env.docname.startswith(NOTEBOOKS):
        names = env.metadata[env.docname].setdefault("myst_slugs", {})
        for cell in stored(env, env.docname)["cells"]:
            names[chapters.anchor(cell)] = (0, chapters.anchor(cell), label(env.docname))


def shorten_titles(app: Sphinx, env: BuildEnvironment) -> None:
    """Give previous and next the short names."""
    for docname in env.found_docs:
        if docname.startswith(NOTEBOOKS):
            env.titles[docname] = nodes.title("", label(docname))


def give_headings_a_level(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Mend the theme's sidebar, whose captions are headings without a level."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


class ToTheRepository(SphinxTransform):
    """Links to files and folders that are no page of the book lead to the repository.

    What doesn't exist there either is left for Sphinx to complain about.
    """

    default_priority = 5

    def apply(self, **kwargs: Any) -> None:
        """Replace them."""
        links = [*self.document.findall(addnodes.pending_xref), *self.document.findall(addnodes.download_reference)]
        for node in links:
            target = str(node.get("reftarget", "")).partition("#")[0]
            if node.get("reftype") != "myst" or not target or target in self.env.found_docs:
                continue
            path = self._existing(target, as_docname=node.get("refdomain") == "doc")
            if path is None:
                continue
            kind = "tree" if path.is_dir() else "blob"
            address = in_repository(self.env, path.relative_to(self.env.srcdir).as_posix(), kind)
            text = [child.deepcopy() for inner in node.children for child in inner.children or [inner]]
            node.replace_self(nodes.reference("", "", *text, refuri=address, internal=False))

    def _existing(self, target: str, *, as_docname: bool) -> Path | None:
        root = Path(self.env.srcdir)
        if as_docname:
            found = [root / f"{target}{suffix}" for suffix in self.config.source_suffix]
        else:
            found = [Path(self.env.relfn2path(target, self.env.docname)[1])]
        here = [path for path in found if path.is_relative_to(root)]
        return next((path for path in here if path.exists()), None)


def stored(env: BuildEnvironment, docname: str) -> dict[str, Any]:
    """Read a notebook."""
    return json.loads(Path(env.doc2path(docname)).read_text(encoding="utf-8"))


def notebooks(env: BuildEnvironment) -> list[str]:
    """Return the names of the notebooks' pages, in reading order."""
    return sorted(docname for docname in env.found_docs if docname.startswith(NOTEBOOKS))


class Map(SphinxDirective):
    """The notebooks as a list of questions, with minutes and a picture each; notebook 00 has the words."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        rows = questions(stored(self.env, MAP_IN))
        stops = []
        for docname in notebooks(self.env):
            if docname == MAP_IN:
                continue
            if posixpath.basename(docname) not in rows:
                raise self.error(f"{MAP_IN}.ipynb has no row for {docname} in its map")
            question, minutes = rows[posixpath.basename(docname)]
            number, _, name = label(docname).partition(" ")
            picture = chapters.first_picture(stored(self.env, docname))
            stops.append(
                f'<li><a class="stop" href="{docname}.html"><span class="stop-picture">'
                f'<img src="_static/figures/{picture}" alt="" loading="lazy"></span>'
                f'<span class="stop-name"><b>{number}</b> {name}</span> <span class="stop-question">{question}</span> '
                f'<span class="stop-minutes">{minutes} minutes</span></a></li>'
            )
        return [nodes.raw("", f'<ol class="map">{"".join(stops)}</ol>', format="html")]


class Contents(SphinxDirective):
    """The chapters: notebooks under their short names, then the pages of ``docs/``, if there are any."""

    def run(self) -> list[nodes.Node]:
        """Return what the sidebar shows."""
        names = [f"{label(docname)} </{docname}>" for docname in notebooks(self.env)]
        around = [docname for docname in sorted(self.env.found_docs) if docname.startswith("docs/")]
        nested = teaching(self.env) if TEACHING in around else []
        lists = [contents("The notebooks", names)]
        if on_top := [f"/{docname}" for docname in around if docname not in nested]:
            lists.append(contents("Around them", on_top))
        return self.parse_text_to_nodes("\n\n".join(lists))


def contents(caption: str, entries: list[str]) -> str:
    """Return a part of the contents, which only the sidebar shows."""
    return "\n".join(["```{toctree}", f":caption: {caption}", ":hidden:", "", *entries, "```"])


def teaching(env: BuildEnvironment) -> list[str]:
    """Return the pages for those who teach, in the order in which their first page names them.

    What a learner looks up as well stays outside.
    """
    text = Path(env.doc2path(TEACHING)).read_text(encoding="utf-8")
    named = dict.fromkeys(posixpath.normpath(f"docs/{link}") for link in re.findall(r"\]\(([\w./-]+)\.md", text))
    return [docname for docname in named if docname in env.found_docs and docname not in LOOKED_UP]


class Moving(SphinxDirective):
    """A figure that a slider moves without a kernel: see :mod:`moving`."""

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        return [nodes.raw("", moving.figure(), format="html")]


def write_files(app: Sphinx, error: Exception | None) -> None:
    """Write the pictures of all notebooks, and the one Plotly that the figures share."""
    if error is not None:
        return
    static = Path(app.outdir, "_static")
    figures = static / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    for docname in notebooks(app.env):
        for name, picture in chapters.pictures(stored(app.env, docname)).items():
            (figures / name).write_bytes(picture)
    for name, text in files.items():
        (static / name).parent.mkdir(exist_ok=True)
        (static / name).write_text(text, encoding="utf-8")
    (static / PLOTLY).write_bytes(resources.files("plotly").joinpath("package_data/plotly.min.js").read_bytes())
    Path(app.outdir, ".nojekyll").touch()  # GitHub Pages leaves out folders with an underscore otherwise
