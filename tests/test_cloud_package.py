"""What a notebook's function takes along, what it can't, and packages that are the same bytes everywhere."""

from __future__ import annotations

import base64
import builtins
import hashlib
import io
import os
import shutil
import sys
import tempfile
import types
import zipfile
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from helpers import tables
from helpers.cloud import package
from helpers.cloud.package import handler_name, zip_function
from helpers.cloud.unpacking import inspect_zip

EVENT = {"item": "apple", "n": 3}


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Return IPython itself, which runs cells as a notebook's kernel does."""
    patch = pytest.MonkeyPatch()
    patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    patch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    for name in ("__IPYTHON__", "display"):  # IPython's own builtins go with it
        patch.setattr(builtins, name, None, raising=False)
    settings = Config()
    settings.HistoryManager.enabled = False
    yield InteractiveShell(config=settings)
    patch.undo()


@pytest.fixture
def notebook(shell):
    """Run cells in a fresh notebook and return its names."""
    shell.reset()

    def run(*cells):
        for cell in cells:
            shell.run_cell(cell, store_history=True).raise_error()
        return types.SimpleNamespace(**shell.user_ns)

    return run


def opened(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def source(function):
    files = opened(zip_function(function))
    assert list(files) == ["lambda_function.py"]
    return files["lambda_function.py"].decode()


def called(function, event=EVENT):
    """Run a packed function where nothing but its own module exists."""
    module = {"__name__": "lambda_function"}
    exec(compile(source(function), "lambda_function.py", "exec", dont_inherit=True), module)
    return module[handler_name(function).removeprefix("lambda_function.")](event, None)


def refusal(function):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - callers look at the message
        zip_function(function)
    return str(error.value)


# A function and what it needs


def test_a_function_alone_is_its_own_text_with_its_comments(notebook):
    text = "def handler(event, context):\n    # says hello\n    return 'hello'\n"
    assert source(notebook(text).handler) == text


def test_the_handlers_name_is_the_functions(notebook):
    assert handler_name(notebook("def charge(event, context): ...").charge) == "lambda_function.charge"


def test_modules_come_along_under_the_names_that_the_notebook_gave_them(notebook):
    names = notebook(
        "import json, math as m\nimport xml.etree.ElementTree\nimport os.path as p",
        "def handler(event, context):\n"
        "    return [json.dumps(event), m.floor(2.5), xml.etree.ElementTree.fromstring('<a/>').tag, p.basename('a/b')]",
    )
    assert called(names.handler) == ['{"item": "apple", "n": 3}', 2, "a", "b"]
    assert "import math as m\n" in source(names.handler)


def test_imported_objects_come_along_whatever_they_are(notebook):
    names = notebook(
        "from collections import Counter as Count, defaultdict\nfrom os import environ, path\nfrom math import *\n"
        "from typing import Optional",
        "def handler(event, context: Optional[int]):\n"
        "    return [Count('aab')['a'], defaultdict(int)[0], 'PATH' in environ, path.basename('a/b'), sqrt(4)]",
    )
    assert called(names.handler) == [2, 0, True, "b", 2.0]


def test_a_name_that_was_imported_anew_means_what_it_meant_last(notebook):
    names = notebook(
        "from posixpath import join as glue", "from operator import add as glue", "def handler(e, c): return glue(1, 2)"
    )
    assert called(names.handler) == 3


def test_other_functions_and_classes_come_along_with_what_they_need(notebook):
    names = notebook(
        "import math\nfrom dataclasses import dataclass\nfrom enum import Enum",
        "class Size(Enum):\n    SMALL = 1",
        "RATE = 0.5",
        "@dataclass\nclass Order:\n    n: int\n    size: Size = Size.SMALL\n\n"
        "    def price(self): return rounded(self.n)",
        "def rounded(x): return math.ceil(x * RATE) if x else again(x)",
        "def again(x): return rounded(x + 1)",
        "def handler(event, context): return [Order(event['n']).price(), Order(0).size.name]",
    )
    assert called(names.handler) == [2, "SMALL"]


def test_a_class_without_methods_is_taken_as_it_was_defined_last(notebook):
    names = notebook(
        "class Tariff:\n    usd = 1",
        "class Tariff:\n    usd = 2",
        "def handler(event, context): return Tariff.usd",
    )
    assert called(names.handler) == 2
    names = notebook("class Tariff:\n    usd = 1")
    assert called(names.handler) == 1


def test_decorators_defaults_and_annotations_stand_before_what_uses_them(notebook):
    names = notebook(
        "import functools",
        "def twice(f):\n    @functools.wraps(f)\n    def inner(*a): return note(f(*a)) * 2\n    return inner",
        "def note(x): return x",
        "def zero(): return 0",
        "class Zebra: ...",
        "@twice\ndef handler(event, context=None, start=zero()) -> Zebra: return event['n'] + start",
    )
    assert called(names.handler) == 6
    assert handler_name(names.handler) == "lambda_function.handler"


def test_a_class_whose_method_calls_a_function_decorated_with_the_class_still_loads(notebook):
    names = notebook(
        "class A:\n    def __init__(self, f): self.f = f\n    def __call__(self, *a): return self.f(*a)\n"
        "    def other(self): return helper()",
        "@A\ndef helper(): return 7",
        "def handler(event, context): return A(helper.f)()",
    )
    assert refusal(names.handler).startswith("handler uses 'helper'")  # an instance: what it holds is not known
    names = notebook(
        "class A:\n    def other(self): return helper()\n    kept = []\n"
        "    @classmethod\n    def keep(cls, f):\n        cls.kept.append(f.__name__)\n        return f",
        "@A.keep\ndef helper(): return 7",
        "def handler(event, context): return [A().other(), A.kept]",
    )
    assert called(names.handler) == [7, ["helper"]]


def test_a_decorator_from_the_library_is_kept(notebook):
    names = notebook(
        "from functools import lru_cache",
        "@lru_cache\ndef slow(x): return x + 1",
        "def handler(event, context): return [slow(1), slow(1), slow.cache_info().hits]",
    )
    assert called(names.handler) == [2, 2, 1]


def test_constants_come_along_with_their_value_of_now(notebook):
    names = notebook(
        "A, B, C = 1, 'ü', {'x': [1, (2,), None, True, b'z'], 3: {'s'}}\nD = float('-inf')\nE = frozenset()",
        "A = A + 1",
        "def handler(event, context): return [A, B, C, D, E]",
    )
    assert called(names.handler) == [2, "ü", {"x": [1, (2,), None, True, b"z"], 3: {"s"}}, float("-inf"), frozenset()]


def test_a_counter_that_the_function_changes_starts_at_its_value_of_now(notebook):
    names = notebook(
        "calls = 40\ncache = None",
        "def handler(event, context):\n    global calls, cache, never\n    calls += 1\n"
        "    cache = never = calls\n    return calls",
    )
    assert called(names.handler) == 41


def test_patterns_and_loggers_are_made_again(notebook):
    names = notebook(
        "import re, logging\nWORD = re.compile(r'\\w+', re.I)\nlog = logging.getLogger('shop')\n"
        "log.setLevel(logging.INFO)\nroot = logging.getLogger()",
        "def handler(event, context): return [WORD.findall('a b'), WORD.flags & 2, log.level, root.parent]",
    )
    assert called(names.handler) == [["a", "b"], 2, 20, None]


def test_small_named_lambdas_and_other_names_come_along(notebook):
    names = notebook(
        "double = lambda x: x * FACTOR\nFACTOR = 2",
        "def old(x): return double(x)",
        "new = old",
        "def handler(event, context): return new(event['n'])",
    )
    assert called(names.handler) == 6


def test_what_the_function_names_itself_is_not_looked_for_outside(notebook):
    names = notebook(
        "x = object()\nrow = object()",
        "def handler(event, context):\n    import json as x\n    return [x.dumps(row) for row in [1]]",
    )
    assert called(names.handler) == ["1"]


def test_attributes_strings_and_keywords_are_no_names(notebook):
    names = notebook("item = object()", "def handler(event, context): return dict(item=str(event['item']).upper())")
    assert called(names.handler) == {"item": "APPLE"}


def test_a_name_that_is_nowhere_is_left_to_fail_as_on_lambda(notebook):
    handler = notebook("def handler(event, context): return nowhere").handler
    with pytest.raises(NameError, match="nowhere"):
        called(handler)


def test_the_modules_own_name_is_lambdas(notebook):
    assert called(notebook("def handler(event, context): return __name__").handler) == "lambda_function"


def test_postponed_annotations_stay_postponed(notebook):
    names = notebook(
        "from __future__ import annotations\nclass Node:\n    next: Node | None = None\n\n"
        "def handler(event: Nowhere, context): return Node.next",
    )
    try:
        assert called(names.handler) is None
        assert source(names.handler).startswith("from __future__ import annotations\n")
    finally:
        notebook("from __future__ import division")


def test_a_function_within_a_block_is_moved_to_the_margin_and_its_strings_stay(notebook):
    names = notebook('if True:\n    def handler(event, context):\n        return """a\n    b"""\n')
    assert called(names.handler) == "a\n    b"


def test_asynchronous_functions_are_packed_too(notebook):
    assert source(notebook("async def handler(event, context): ...").handler).startswith("async def handler")


def test_a_modules_function_is_packed_like_a_notebooks(tmp_path, monkeypatch):
    (tmp_path / "shop_of_this_test.py").write_text(
        "from math import floor\nfrom string import *\nTAX = 0.2\n\n\nclass Basket(list):\n    full = floor(1.5)\n\n\n"
        "def handler(event, context):\n    return [TAX, Basket.full, capwords('a b')]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import shop_of_this_test

    assert called(shop_of_this_test.handler) == [0.2, 1, "A B"]
    del sys.modules["shop_of_this_test"]


# What can't travel


@pytest.mark.parametrize(
    ("setup", "kind"),
    [
        ("import boto3\nmine = boto3.client('s3', region_name='us-east-1')", "botocore.client.S3"),
        ("mine = open('/dev/null')", "_io.TextIOWrapper"),
        ("import threading\nmine = threading.Lock()", "_thread.lock"),
        ("mine = [object()]", "list"),
        ("mine = []\nmine.append(mine)", "list"),
        ("import numpy\nmine = numpy.zeros(2)", "numpy.ndarray"),
        ("class Mine: ...\nmine = Mine()", "__main__.Mine"),
    ],
)
def test_what_lives_only_in_the_notebook_is_named_with_its_remedy(notebook, setup, kind):
    names = notebook(setup, "def handler(event, context): return helper()", "def helper(): return mine")
    message = refusal(names.handler)
    assert message.startswith("handler uses 'mine' (")
    assert kind in message
    assert "create it inside the function, or pass the module's source text" in message
    if hasattr(names.mine, "close"):
        names.mine.close()


def test_a_function_that_uses_variables_of_another_is_refused_by_their_name(notebook):
    names = notebook("def make(price):\n    def handler(event, context): return price\n    return handler\nh = make(1)")
    assert "handler uses price of the function around it" in refusal(names.h)


def test_a_decorator_without_wraps_is_refused_with_the_remedy(notebook):
    names = notebook(
        "def deco(f):\n    def inner(*a): return f(*a)\n    return inner", "@deco\ndef handler(e, c): return 1"
    )
    assert "functools.wraps" in refusal(names.handler)


@pytest.mark.parametrize("expression", ["lambda event, context: 1", "print", "'a'.upper", "int", "Callable()"])
def test_only_functions_made_with_def_are_handlers(notebook, expression):
    names = notebook("class Callable:\n    def __call__(self, event, context): ...", f"mine = {expression}")
    assert "a handler must be a function made with def" in refusal(names.mine)
    with pytest.raises(ValueError, match="must be a function made with def"):
        handler_name(names.mine)


def test_a_notebooks_own_tools_are_refused(notebook):
    names = notebook(
        "from IPython.display import display",
        "def handler(event, context): display(event)",
        "def magic(event, context):\n    %pwd",
    )
    assert "'display', which exists only in notebooks" in refusal(names.handler)
    assert "'get_ipython', which exists only in notebooks" in refusal(names.magic)


def test_a_function_without_source_is_refused():
    namespace = {}
    exec("def handler(event, context): ...", namespace)
    assert "source of 'handler' is unknown" in refusal(namespace["handler"])


def test_two_definitions_of_one_name_are_refused(notebook):
    names = notebook(
        "def f(): return 1", "old = f", "def f(): return 2", "def handler(event, context): return old() + f()"
    )
    assert "two definitions named 'f'" in refusal(names.handler)


@pytest.mark.parametrize("code", [None, 3, b"x = 1", ["a.py"]])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(ValueError, match="code must be a function, the text of a module, a folder"):
        zip_function(code)


# Text, folders, mappings


@pytest.mark.parametrize("text", ["def handler(event, context): ...\n", "x = 1", "", "def broken(:\n", "# ü\r\n"])
def test_text_is_packed_as_it_is_even_when_it_is_no_python(text):
    assert opened(zip_function(text)) == {"lambda_function.py": text.encode()}


@pytest.mark.parametrize("text", ["src/function", "app.py", "/tmp/nowhere/at/all"])
def test_text_that_means_a_path_which_is_not_there_is_refused(text):
    with pytest.raises(ValueError, match="there is no folder"):
        zip_function(text)


@pytest.fixture
def folder(tmp_path):
    files = ["b.py", "a.py", "data/x.bin", ".env", "__pycache__/a.pyc", "a.pyc", ".git/config", ".venv/lib/y.py"]
    for name in (*files, "data/.ipynb_checkpoints/x", "data/__pycache__/z.pyc", ".DS_Store"):
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_bytes(name.encode())
    return tmp_path / "code"


def test_a_folder_is_packed_without_caches_and_copies(folder):
    names = [".env", "a.py", "b.py", "data/x.bin"]
    expected = {name: name.encode() for name in names}
    assert opened(zip_function(folder)) == opened(zip_function(str(folder))) == expected
    assert list(opened(zip_function(folder))) == names


def test_a_folders_files_are_followed_but_not_its_linked_folders(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.py").write_text("c")
    (folder / "c.py").symlink_to(tmp_path / "elsewhere" / "c.py")
    assert opened(zip_function(folder))["c.py"] == b"c"
    (folder / "all").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="takes no links"):
        zip_function(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_folder_is_refused_instead_of_waited_for(folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(ValueError, match="it is no file"):
        zip_function(folder)


def test_a_folder_that_is_not_there_or_is_a_file_or_empty_is_refused(tmp_path):
    (tmp_path / "a.py").write_text("")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "none", tmp_path / "a.py"):
        with pytest.raises(ValueError, match="is not a folder"):
            zip_function(path)
    with pytest.raises(ValueError, match="at least one file"):
        zip_function(tmp_path / "empty")


def test_a_mapping_is_packed_by_name():
    files = {"app.py": "x = 'ü'", "shop/data.bin": b"\0"}
    assert opened(zip_function(files)) == {"app.py": "x = 'ü'".encode(), "shop/data.bin": b"\0"}


@pytest.mark.parametrize(
    "files",
    [{}, {"../a": ""}, {"/a": ""}, {"a\\b": ""}, {"./a": ""}, {"": ""}, {"a": "", "a/b": ""}, {"a": 1}, {1: ""}],
)
def test_a_mapping_with_names_that_are_no_files_is_refused(files):
    with pytest.raises(ValueError, match=r"file|entry"):
        zip_function(files)


# The same bytes everywhere


def test_a_packages_hash_is_known_in_advance():
    files = {"b.py": "b", "a.py": "a"}
    digest = base64.b64encode(hashlib.sha256(zip_function(files)).digest()).decode()
    assert digest == "dr0xqUlYDg/7WUimJNfxIhF+FmTXDn8T7HUkxhbFssg="
    assert zip_function(files) == zip_function({"a.py": b"a", "b.py": b"b"})


def test_the_order_of_a_set_does_not_change_the_package(notebook):
    words = [f"w{n}" for n in range(50)]
    names = notebook(f"WORDS = set({words})", "def handler(event, context): return sorted(WORDS)")
    assert str(sorted(map(repr, words))).replace('"', "").strip("[]") in source(names.handler)


def test_files_carry_one_date_and_one_set_of_permissions(folder):
    (folder / "a.py").chmod(0o700)
    os.utime(folder / "b.py", (2_000_000_000, 2_000_000_000))
    with zipfile.ZipFile(io.BytesIO(zip_function(folder))) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}
        assert {info.create_system for info in archive.infolist()} == {3}


def test_only_what_is_large_is_deflated():
    def methods(data):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {info.compress_type for info in archive.infolist()}

    assert methods(zip_function("x = 1\n" * 1000)) == {zipfile.ZIP_STORED}
    assert methods(zip_function("x = 1\n" * 1_000_000)) == {zipfile.ZIP_DEFLATED}


def test_what_is_packed_passes_the_inspection_of_uploads(folder):
    inspect_zip(zip_function(folder), max_unzipped_bytes=1000)


# Limits


def test_a_package_that_is_too_large_to_upload_names_the_limit(monkeypatch):
    smaller = {"lambda.zip_upload": 1, "lambda.zip_unzipped": 250}
    assert {slug: tables.limit(slug).unit for slug in smaller} == dict.fromkeys(smaller, "MB")
    monkeypatch.setattr(package.tables, "limit", lambda slug: types.SimpleNamespace(max=smaller[slug]))
    with pytest.raises(ValueError, match=r"the package is 1\.5 MB.* 1 MB .*lambda\.zip_upload"):
        zip_function({"noise.bin": os.urandom(3 << 19)})


def test_a_folder_that_is_too_large_unzipped_names_the_limit_and_is_not_read_whole(tmp_path):
    with open(tmp_path / "model.bin", "wb") as file:
        file.truncate(100 * 1024 * 1024 * 1024)  # takes no room on the disk
    with pytest.raises(ValueError, match=r"250 MB unzipped.*lambda\.zip_unzipped.*model\.bin"):
        zip_function(tmp_path)


# Requirements


@pytest.fixture
def wheel(tmp_path):
    """Return a wheel that needs no network: one module, one program."""
    path = tmp_path / "greeting-1.0-py3-none-any.whl"
    about = "greeting-1.0.dist-info"
    files = {
        "greeting.py": "def hello():\n    return 'hello'\n\n\ndef main(): ...\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\ngreet = greeting:main\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def installer(request, monkeypatch, tmp_path):
    """Let one of the two installers be found, and count temporary folders."""
    has_uv = package.shutil.which("uv") or package.shutil.which("uv", path=Path(sys.executable).parent)
    tool = getattr(request, "param", "uv" if has_uv else "pip")
    if tool == "pip":
        monkeypatch.setattr(package.shutil, "which", lambda *_, **__: None)
    elif not has_uv:
        pytest.skip("uv is not installed")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    yield tool
    assert not list(scratch.iterdir())


@pytest.mark.thorough
@pytest.mark.parametrize("installer", ["uv", "pip"], indirect=True)
def test_requirements_lie_beside_the_code_and_leave_no_trace_of_the_installer(installer, wheel):
    files = opened(zip_function("import greeting", requirements=[str(wheel)]))
    about = "greeting-1.0.dist-info"
    assert list(files) == [
        f"{about}/METADATA",
        f"{about}/WHEEL",
        f"{about}/entry_points.txt",
        "greeting.py",
        "lambda_function.py",
    ]


@pytest.mark.thorough
def test_pip_is_asked_where_uv_fails(installer, wheel, monkeypatch):
    false = shutil.which("false")
    monkeypatch.setattr(package.shutil, "which", lambda *_, **__: false)
    assert "greeting.py" in opened(zip_function("", requirements=[str(wheel)]))


def test_ones_own_file_wins_over_a_requirements(installer, wheel):
    files = opened(zip_function({"greeting.py": "mine"}, requirements=iter([f"greeting @ {wheel.as_uri()}"])))
    assert files["greeting.py"] == b"mine"


@pytest.mark.thorough
@pytest.mark.parametrize("installer", ["uv", "pip"], indirect=True)
def test_a_requirement_that_can_not_be_installed_is_explained(installer, tmp_path):
    missing = tmp_path / "nowhere-1.0-py3-none-any.whl"
    with pytest.raises(ValueError, match=r"pip could not install .*nowhere-1\.0.*: .*\w"):
        zip_function("", requirements=[str(missing)])


def test_a_long_installation_says_once_that_it_goes_on(installer, wheel, capsys, monkeypatch):
    monkeypatch.setattr(package, "PROGRESS_AFTER_S", 0)
    zip_function("", requirements=[str(wheel)])
    assert capsys.readouterr().out == f"Installing {wheel} with {installer} ...\n"


def test_an_interrupted_installation_ends_its_process(installer, wheel, monkeypatch):
    processes = []

    class Interrupted(package.subprocess.Popen):
        def communicate(self, *_, **__):
            processes.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(package.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        zip_function("", requirements=[str(wheel)])
    assert processes[0].returncode is not None


@pytest.mark.parametrize("requirements", ["requests", ["-r x.txt"], ["--pre"], [""], [3], ["a\nb"]])
def test_requirements_that_are_none_are_refused(requirements):
    with pytest.raises(ValueError, match="requirement"):
        zip_function("", requirements=requirements)
