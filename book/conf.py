"""How Sphinx builds the web book: `make book`, into ``build/book``.

The pages are the stored notebooks, the landing page beside this file, and whatever ``docs/`` holds. Sphinx reads them
where they are, so that a link between two of them is the same on GitHub and in the book. ``wiring.py`` does the rest.
"""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "From Racks to Functions"
author = "The From Racks to Functions authors"
copyright = f"{author}. Text and figures CC BY 4.0, code MIT"
release = metadata.version("from-racks-to-functions")
language = "en"

extensions = ["myst_parser", "wiring"]
root_doc = "book/index"
include_patterns = ["book/index.md", "notebooks/[0-9]*.ipynb", "docs/**.md"]
exclude_patterns = [".*", "build", "data", "deploy", "helpers", "tests", "**/.*"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}

repository = "https://github.com/from-racks-to-functions/from-racks-to-functions"
branch = "main"

myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "substitution"]
myst_substitutions = {"repository": repository}
highlight_language = "python"

html_theme = "furo"
html_title = project
html_baseurl = "https://from-racks-to-functions.github.io/from-racks-to-functions/"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_favicon = "static/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_permalinks_icon = "#"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "source_repository": repository,
    "source_branch": branch,
    "top_of_page_buttons": [],
    "footer_icons": [{"name": "GitHub", "url": repository, "html": "GitHub", "class": ""}],
    "light_css_variables": {
        "font-stack": "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
        "color-brand-primary": "#9a4a00",
        "color-brand-content": "#17564d",
        "color-brand-visited": "#5b4a7a",
        "color-sidebar-link-text--top-level": "var(--color-foreground-primary)",
    },
    "dark_css_variables": {
        "color-brand-primary": "#f6b26b",
        "color-brand-content": "#8fd0c1",
        "color-brand-visited": "#c3b1e1",
        "color-sidebar-link-text--top-level": "var(--color-foreground-primary)",
    },
}
