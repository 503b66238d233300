"""Open JupyterLab on the first notebook: the second step of `make lab`, after setup.py.

    python .ci/lab.py [--port N] [any option of jupyter lab]

Says in one line what would otherwise fail in many: a port that is taken, a machine without a browser, the root user.
"""

import os
import socket
import sys
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRST = "notebooks/00_start_here.ipynb"


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def has_browser() -> bool:
    """Tell whether this session can show a browser window; one in the terminal would not help."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Check what can be checked, then become JupyterLab."""
    # What remains of the log is the address, and what goes wrong.
    options = ["--ServerApp.log_level=WARN", "--LabApp.log_level=WARN"]
    if arguments[:1] == ["--port"]:
        port = arguments[1] if len(arguments) > 1 else ""
        if not port.isdecimal() or not 0 < int(port) < 65536:
            print(f"PORT must be a number between 1 and 65535, got {port or 'nothing'}.", file=sys.stderr)
            return 1
        if not port_is_free(int(port)):
            print(
                f"Port {port} is taken by another program (or needs more rights). Choose another one, "
                "make lab PORT=8890 for instance; without PORT, JupyterLab finds a free one.",
                file=sys.stderr,
            )
            return 1
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
        arguments = arguments[2:]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # a container's only user, usually
    if "--no-browser" not in arguments and not has_browser():
        print("No browser can be opened from here: open the address below that ends in token=… in yours.")
        options.append("--no-browser")
    options.append(f"--LabApp.default_url=/lab/tree/{FIRST}")  # in the printed address as well
    print("Starting JupyterLab; to stop it, press Ctrl-C here twice.", flush=True)
    os.chdir(ROOT)
    command = [sys.executable, "-m", "jupyterlab", *options, *arguments]
    return os.execv(sys.executable, command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
