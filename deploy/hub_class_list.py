"""Who may log in: those on the class list, each with a password of their own. A part of JupyterHub's configuration.

Both ways to run a class load this file: the one big machine from its own configuration, the Kubernetes chart as a file
of ``jupyterhub_config.d``. ``make_class_list.py`` writes the list, one line a name: ``name:n:r:p:salt:hash``, by
scrypt. It is read anew at each login, so that a name added during the lesson is known at once. ``CLASS_LIST`` says
where it is.
"""

import hashlib
import hmac
import os
from pathlib import Path

from jupyterhub.auth import Authenticator

CLASS_LIST = Path(os.environ.get("CLASS_LIST", "/usr/local/etc/jupyterhub/class-list"))


class ClassList(Authenticator):
    """Log in whoever is on the list and knows that name's password."""

    async def authenticate(self, handler, data):
        """Return the name, or nothing."""
        known = dict(line.split(":", 1) for line in CLASS_LIST.read_text(encoding="utf-8").split())
        kept = known.get(data["username"], "16384:8:1:00:00")  # an unknown name takes as long as a known one
        n, r, p, salt, expected = kept.split(":")
        password, salt = data["password"].encode(), bytes.fromhex(salt)
        found = hashlib.scrypt(password, n=int(n), r=int(r), p=int(p), salt=salt).hex()
        return data["username"] if hmac.compare_digest(found, expected) else None


c = globals()["c"]  # JupyterHub's configuration; the chart has a function get_config of its own
c.JupyterHub.authenticator_class = ClassList
c.Authenticator.allow_all = True  # of those on the list
c.Authenticator.username_pattern = r"[a-z][a-z0-9-]{0,30}"
c.Authenticator.admin_users = set(os.environ.get("CLASS_ADMINS", "").split())
