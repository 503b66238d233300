"""JupyterHub on one big machine: an account of its own for each learner, the notebooks in its home, limits on both.

``deploy/README.md`` says how to start it. As root, each learner's server runs as an account of the machine that the
first login makes, in the group ``class-learners``: with systemd under limits of memory and CPU and with a temporary
folder of its own, otherwise without limits. Started by anybody else, or with CLASS_TRIAL set, it is a trial: all
servers run as the hub's user, and nothing keeps learners apart. Settings come from the environment:

CLASS_FOLDER   where the hub keeps its database, its secrets and the class list; readable by the hub's user alone
CLASS_PORT     8000; the hub itself and the proxy's interface take the next two, all of them on loopback
CLASS_PROXY    another program in the place of JupyterHub's proxy, with the same options
CLASS_ADMINS   names that may see the admin page, separated by spaces
"""

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.classroom import Learner, share_of

DEPLOY = Path(__file__).resolve().parents[1]
ROOT = DEPLOY.parent
FOLDER = Path(os.environ.get("CLASS_FOLDER", "/srv/class-hub"))
PORT = int(os.environ.get("CLASS_PORT", "8000"))
GROUP = "class-learners"
IDLE_MB = 512
TRIAL = os.geteuid() != 0 or bool(os.environ.get("CLASS_TRIAL"))
IDLE_S = 2 * 3600  # longer than any break: a server that goes takes the cloud of its notebook along
SHARE = share_of(Learner.measured(json.loads((DEPLOY / "measured.json").read_text(encoding="utf-8"))))
BIN = Path(sys.executable).parent

FOLDER.mkdir(parents=True, exist_ok=True)
FOLDER.chmod(0o700)
os.environ.setdefault("CLASS_LIST", str(FOLDER / "class-list"))

c = get_config()  # noqa: F821  JupyterHub provides it
load_subconfig(str(DEPLOY / "hub_class_list.py"))  # noqa: F821  so it does this

c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"  # TLS is the front server's affair
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{PORT + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 2}"
c.JupyterHub.db_url = f"sqlite:///{FOLDER / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(FOLDER / "cookie_secret")
c.JupyterHub.cleanup_servers = True
c.JupyterHub.concurrent_spawn_limit = 2 * (os.cpu_count() or 1)  # a class that arrives together starts in turn
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")
# JupyterHub's proxy in Python, from requirements.txt; the one in JavaScript by the same name needs Node.js.
c.ConfigurableHTTPProxy.command = [os.environ.get("CLASS_PROXY") or str(BIN / "configurable-http-proxy")]

c.Spawner.cmd = [str(BIN / "jupyterhub-singleuser")]
c.Spawner.args = ["--ServerApp.log_level=WARN"]
if not TRIAL:  # files, which other accounts can't open: a port of loopback would let them read what cells print
    c.Spawner.args += ["--KernelManager.transport=ipc"]
c.Spawner.environment = {
    "PATH": f"{BIN}:{os.environ.get('PATH', os.defpath)}",
    "SHELL": "/bin/bash",
    # What idle environments of a learner's functions may hold: without it a quarter of all memory, as on a laptop.
    "LOCAL_CLOUD_IDLE_MB": str(IDLE_MB),
}
c.Spawner.notebook_dir = "~/from-racks-to-functions"
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 120
c.Spawner.mem_limit, c.Spawner.mem_guarantee = f"{SHARE.memory_limit_mb}M", f"{SHARE.memory_mb}M"
c.Spawner.cpu_limit, c.Spawner.cpu_guarantee = SHARE.cpu_limit, SHARE.cpu

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_S}", "--cull-every=300"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]


def closed(path: Path) -> Path | None:
    """Return the first folder on the way to a program that other accounts may not enter, if there is one."""
    return next((one for one in path.resolve().parents if not one.stat().st_mode & 0o001), None)


def account(name: str) -> pwd.struct_passwd:
    """Return a learner's account, made if it is missing; an account that isn't a learner's is refused."""
    if not any(one.gr_name == GROUP for one in grp.getgrall()):
        subprocess.run(["groupadd", "--system", GROUP], check=True)
    try:
        known = pwd.getpwnam(name)
    except KeyError:
        subprocess.run(
            ["useradd", "--create-home", "--shell", "/bin/bash", "--groups", GROUP, "--key", "HOME_MODE=0700", name],
            check=True,
        )
        return pwd.getpwnam(name)
    if name not in grp.getgrnam(GROUP).gr_mem:
        raise PermissionError(f"{name} is an account of this machine, and not in the group {GROUP}")
    return known


def prepare(spawner) -> None:
    """Give the learner an account and, once, the notebooks; what is there stays as the learner left it."""
    owner = None if TRIAL else account(spawner.user.name)
    home = Path(owner.pw_dir) if owner else FOLDER / "homes" / spawner.user.name
    if owner:  # kernels have sockets there, whose paths may have a hundred letters
        spawner.environment = {**spawner.environment, "JUPYTER_RUNTIME_DIR": str(home / ".run")}
    mine = home / "from-racks-to-functions"
    if mine.exists():
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = home / ".from-racks-to-functions.part"  # half a copy is none
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(ROOT / "notebooks", part, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for path in (part, *part.rglob("*")):
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
    part.rename(mine)


if not TRIAL and (wall := closed(Path(sys.executable)) or closed(ROOT / "notebooks")):
    raise SystemExit(
        f"Learners' accounts may not enter {wall}: put repository and Python elsewhere, /opt for instance."
    )

c.Spawner.pre_spawn_hook = prepare
if TRIAL:
    c.JupyterHub.spawner_class = "simple"
    c.Spawner.args += ["--allow-root"] if os.geteuid() == 0 else []
    c.SimpleLocalProcessSpawner.home_dir_template = str(FOLDER / "homes" / "{username}")
    c.Spawner.notebook_dir = str(FOLDER / "homes" / "{username}" / "from-racks-to-functions")
elif Path("/run/systemd/system").is_dir():
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.isolate_tmp = c.SystemdSpawner.isolate_devices = c.SystemdSpawner.disable_user_sudo = True
    c.SystemdSpawner.unit_name_template = "class-{USERNAME}"
else:
    c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
