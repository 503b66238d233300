"""Code, ready to upload: a function of the notebook, source text or a folder becomes the zip that Lambda takes.

Same code, same bytes, on every machine: names in order, one date, one set of permissions. The hash that Lambda shows
as ``CodeSha256`` therefore says whether the code changed. :mod:`helpers.cloud.gathering` writes a function out as a
module; :mod:`helpers.cloud.unpacking` is the other direction.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers import tables
from helpers.cloud.gathering import defined_function, module_source
from helpers.cloud.unpacking import safe_path

MODULE = "lambda_function"  # what AWS's console calls the file of a new function
SKIPPED_FOLDERS = {"__pycache__", ".git", ".venv", ".ipynb_checkpoints"}
SKIPPED_ENDINGS = (".pyc", ".pyo", ".DS_Store")
MB = 1024 * 1024
# Deflated bytes depend on how a machine's zlib was built. What is small is stored, so that its hash never does.
STORED_UP_TO_BYTES = MB
PROGRESS_AFTER_S = 2.0

# What installers note about themselves and this machine: the function needs none of it, and it changes the hash.
_INSTALLERS_NOTES = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"}


def handler_name(function: Callable[..., Any]) -> str:
    """Return the Handler under which Lambda finds a packed function.

    Examples
    --------
    >>> def greet(event, context):
    ...     return "hello"
    >>> handler_name(greet)
    'lambda_function.greet'
    """
    return f"{MODULE}.{defined_function(function).__name__}"


def zip_function(
    code: Callable[..., Any] | str | Path | Mapping[str, str | bytes], *, requirements: Iterable[str] = ()
) -> bytes:
    """Return a deployment package: the bytes for ``Code={"ZipFile": ...}``.

    Parameters
    ----------
    code
        - a function made with ``def``: it is written out with the imports, functions, classes and constants that it
          uses, each constant with its value of now, and its Handler is :func:`handler_name`;
        - the text of a module, which becomes ``lambda_function.py`` as it is, errors included;
        - a folder, as a path or as text that names an existing one;
        - files, as a mapping from names to text or bytes.
    requirements
        What pip would be given, for example ``["requests==2.32.5"]``; installed for this machine into the package.

    Raises
    ------
    ValueError
        If a function uses what can't be packed, a folder does not exist or is empty, a requirement can't be installed,
        or the package exceeds a limit of Lambda.

    Examples
    --------
    >>> prices = {"apple": 3}
    >>> def total(event, context):
    ...     return prices[event["item"]]
    >>> package = zip_function(total)
    >>> print(zipfile.ZipFile(io.BytesIO(package)).read("lambda_function.py").decode().rstrip())
    prices = {'apple': 3}
    <BLANKLINE>
    <BLANKLINE>
    def total(event, context):
        return prices[event["item"]]
    """
    budget = _Budget()
    files = dict(budget.counted(_own_files(code, budget.read)))
    if not files:
        raise ValueError("a package needs at least one file, got none")
    wanted = _checked_requirements(requirements)
    if wanted:
        with tempfile.TemporaryDirectory(prefix="package-") as folder:
            _install(wanted, folder)
            installed = ((name, path) for name, path in _walk(Path(folder)) if _is_needed(name) and name not in files)
            files |= dict(budget.counted((name, budget.read(path)) for name, path in installed))
    return _zipped(files)


class _Budget:
    """Counts what goes in, so that a home folder given by mistake is not read to its end."""

    def __init__(self) -> None:
        self.limit_bytes = int(tables.limit("lambda.zip_unzipped").max * MB)
        self.used_bytes = 0

    def read(self, path: Path) -> bytes:
        """Return a file's bytes, or as many as exceed the limit."""
        if not path.is_file():  # a pipe would keep us waiting
            raise ValueError(f"{str(path)!r} can't be packed: it is no file")
        with path.open("rb") as file:
            return file.read(self.limit_bytes)

    def counted(self, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        for name, content in files:
            self.used_bytes += len(content)
            if self.used_bytes >= self.limit_bytes:
                raise ValueError(
                    f"the package's files exceed {self.limit_bytes // MB} MB unzipped, Lambda's limit "
                    f"(lambda.zip_unzipped); {name!r} is the first that is too much"
                )
            yield name, content


def _own_files(code: Any, read: Callable[[Path], bytes]) -> Iterable[tuple[str, bytes]]:
    if isinstance(code, Mapping):
        return _from_mapping(code)
    if isinstance(code, Path) or (isinstance(code, str) and "\n" not in code and os.path.isdir(code)):
        if not Path(code).is_dir():
            raise ValueError(f"{str(code)!r} is not a folder: pass a folder, or a file's text with Path.read_text()")
        return ((name, read(path)) for name, path in _walk(Path(code)))
    if isinstance(code, str):
        if _looks_like_a_path(code):
            raise ValueError(f"there is no folder {code!r}: pass an existing folder, or the text of a module")
        return [(f"{MODULE}.py", code.encode())]
    if callable(code):
        return [(f"{MODULE}.py", module_source(code).encode())]
    raise ValueError(f"code must be a function, the text of a module, a folder or a mapping of files, got {code!r}")


def _looks_like_a_path(text: str) -> bool:
    word = text.strip()
    return word.endswith((".py", ".zip")) or ("/" in word and not any(c in word for c in " \t\n()=:;'\""))


def _from_mapping(files: Mapping[str, str | bytes]) -> Iterator[tuple[str, bytes]]:
    for name, content in files.items():
        if not isinstance(name, str) or not isinstance(content, (str, bytes)):
            raise ValueError(f"files must map names to text or bytes, got {name!r}: {type(content).__name__}")
        path = safe_path(name)
        if path != name or not path:
            raise ValueError(f"a file's name must be a relative path such as 'shop/orders.py', got {name!r}")
        if any(other.startswith(f"{name}/") for other in files):
            raise ValueError(f"{name!r} can't be a file and a folder")
        yield path, content.encode() if isinstance(content, str) else content


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a folder with its name in the package, without caches and other people's copies."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in folders:
            if (Path(parent) / name).is_symlink():
                raise ValueError(f"{str(Path(parent) / name)!r} is a link to a folder: a package takes no links")
        for name in sorted(files):
            if not name.endswith(SKIPPED_ENDINGS):
                path = Path(parent) / name
                yield safe_path(path.relative_to(folder).as_posix()), path


def _zipped(files: Mapping[str, bytes]) -> bytes:
    small = sum(map(len, files.values())) <= STORED_UP_TO_BYTES
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    package = buffer.getvalue()
    limit_bytes = int(tables.limit("lambda.zip_upload").max * MB)
    if len(package) > limit_bytes:
        raise ValueError(
            f"the package is {len(package) / MB:.1f} MB; uploaded directly it must not exceed {limit_bytes // MB} MB "
            "(lambda.zip_upload)"
        )
    return package


def _checked_requirements(requirements: Iterable[str]) -> list[str]:
    if isinstance(requirements, str):
        raise ValueError(f"requirements must be a list such as ['requests==2.32.5'], got {requirements!r}")
    wanted = list(requirements)
    for item in wanted:
        if not isinstance(item, str) or not item.strip() or item.strip().startswith("-") or "\n" in item:
            raise ValueError(f"a requirement must be what pip takes, such as 'requests==2.32.5', got {item!r}")
    return wanted


def _is_needed(name: str) -> bool:
    first, _, rest = name.partition("/")
    if first.endswith(".dist-info") and rest in _INSTALLERS_NOTES:
        return False
    return first != "bin" and name != ".lock"  # programs name this machine's Python


def _install(wanted: list[str], folder: str) -> None:
    """Install with uv where it is found, which takes seconds, else or if that fails with pip."""
    uv = shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))
    tools = {"pip": [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]}
    tools["pip"] += ["--no-compile", "--retries", "2", "--quiet"]
    if uv:
        tools = {"uv": [uv, "pip", "install", "--color", "never", "--python", sys.executable], **tools}
    said = {}
    for tool, command in tools.items():
        code, said[tool] = _run([*command, "--target", folder, *wanted], f"Installing {', '.join(wanted)} with {tool}")
        if code == 0:
            return
    answer = said["pip"] if "No module named pip" not in said["pip"] else said.get("uv", said["pip"])
    errors = [line for line in answer.splitlines() if line.upper().startswith("ERROR")] or answer.splitlines()[-3:]
    raise ValueError(f"pip could not install {', '.join(wanted)}: {' '.join(errors) or 'it gave no reason'}")


def _run(command: list[str], progress: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment["PIP_USER"] = "0"
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            try:
                output, _ = process.communicate(timeout=PROGRESS_AFTER_S)
            except subprocess.TimeoutExpired:
                print(f"{progress} ...", flush=True)
                output, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    return process.returncode, output
