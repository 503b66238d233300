"""While the local cloud is up, calls to AWS end on this machine and the learner's own credentials stay unused.

boto3, the AWS CLI and the code inside a function take their endpoint and their credentials from the environment,
from files it names and from places asked over the network. Three guards stand in their way:

- The environment. `cleared` names what must go: every ``AWS_*`` variable but a short list, for a list of the
  dangerous ones would miss the next one that AWS adds. `variables` names what takes its place.
- The wall. The environment cannot reach a client that existed before the cloud, one made with an ``endpoint_url``
  of its own, or an S3 ARN, whose name becomes part of the host. botocore sends everything through one method;
  while the cloud is up, that method refuses what is not meant for the cloud.
- A function's process gets an environment made from nothing (`child_environment`).

What remains open: programs outside this process (the AWS CLI, a function) have the environment but not the wall, so
an explicit ``--endpoint-url`` leads where it says, though without the learner's credentials. The same holds for other
SDKs, and for transfers by AWS's C runtime (the package awscrt, which is not installed here). `session` enters and
leaves; `gate` is the other side of the wire.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.httpsession import URLLib3Session

LOOPBACK = ("127.0.0.1", "localhost", "::1")

KEPT = frozenset({"AWS_PAGER", "AWS_DEFAULT_OUTPUT"})
"""How the AWS CLI shows what it got: the learner's taste, and no way out."""

CLEARED_PREFIXES = ("AWS_", "BOTO_CONFIG", "BOTOCORE_EXPERIMENTAL__PLUGINS")

# What a program needs to run and to find its packages; proxies and certificates, for functions that call the world.
CHILD_NAMES = frozenset(
    {
        *("PATH", "LANG", "LANGUAGE", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    }
)


class CallRefused(RuntimeError):
    """A call would have left the machine while the local cloud was up."""


def cleared(environ: Mapping[str, str]) -> set[str]:
    """Name the variables of ``environ`` that must go while the cloud is up.

    Among them are service endpoints (``AWS_ENDPOINT_URL_S3``), profiles, session and bearer tokens, roles, container
    and instance credentials, defaults that ask the machine for its region, monitoring (``AWS_CSM_ENABLED`` sends each
    call to a UDP port), model folders (``AWS_DATA_PATH`` can replace the rules that compute an endpoint) and plugins.
    """
    return {name for name in environ if name.startswith(CLEARED_PREFIXES) and name not in KEPT}


def variables(
    environ: Mapping[str, str], *, endpoint: str, region: str, access_key: str, secret_key: str, empty_file: Path
) -> dict[str, str]:
    """Name and value of each variable that points AWS's tools at the cloud.

    Parameters
    ----------
    environ
        What was there: its exceptions to proxies are kept.
    endpoint
        Where the cloud listens, for instance ``http://127.0.0.1:40123/f00``.
    region, access_key, secret_key
        What clients sign with. The cloud knows the key, not the secret.
    empty_file
        An empty file, in the place of all configuration files.

    Returns
    -------
    dict of str to str
        To be set after the `cleared` ones are gone.
    """
    # On macOS any of the two hides the proxies of the system's settings, too. That is the price: the only other
    # way to keep the cloud's traffic off them would be a setting that programs outside Python do not share.
    past_proxies = _past_proxies(environ, urlsplit(endpoint).hostname)
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": str(empty_file),
        "AWS_SHARED_CREDENTIALS_FILE": str(empty_file),
        # boto's own, older file, still read as a last resort: otherwise /etc/boto.cfg and ~/.boto.
        "BOTO_CONFIG": str(empty_file),
        "AWS_EC2_METADATA_DISABLED": "true",
        # Some operations put a word or an account number before the host: sync-127.0.0.1.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        # Timestream's clients ask the cloud for an address, and moto answers with one of AWS's.
        "AWS_ENDPOINT_DISCOVERY_ENABLED": "false",
        # Of all names of buckets, only those of multi-region access points pass over AWS_ENDPOINT_URL.
        "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS": "true",
        "NO_PROXY": past_proxies,
        "no_proxy": past_proxies,
    }


def child_environment(
    parent: Mapping[str, str],
    *,
    endpoint: str,
    region: str,
    access_key: str,
    secret_key: str,
    session_token: str,
    empty_file: Path,
    home: Path,
    temporary: Path,
    python_path: Iterable[str | Path] = (),
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Make the environment of a function's process: nothing of the parent's but what programs need to run.

    Parameters
    ----------
    parent
        The kernel's environment. Of its variables only the search paths, the language, the proxies and the
        certificates pass; a password within a proxy's address passes with it.
    endpoint, region, access_key, secret_key, empty_file
        As for `variables`.
    session_token
        The third part of the credentials that a function's role has.
    home, temporary
        The process's own folders.
    python_path
        Folders for Python to search before the parent's.
    extra
        Variables on top, which win: the function's own and the runtime's.

    Returns
    -------
    dict of str to str
        The whole environment.
    """
    environment = {name: parent[name] for name in parent if name in CHILD_NAMES or name.startswith("LC_")}
    folders = [*map(str, python_path), *filter(None, [parent.get("PYTHONPATH")])]
    if folders:
        environment["PYTHONPATH"] = os.pathsep.join(folders)
    environment |= variables(
        parent, endpoint=endpoint, region=region, access_key=access_key, secret_key=secret_key, empty_file=empty_file
    )
    environment |= {"AWS_SESSION_TOKEN": session_token, "HOME": str(home), "TMPDIR": str(temporary), "TZ": ":UTC"}
    return environment | dict(extra or {})


class Isolation:
    """Point this process at the local cloud, and nowhere else, from `enter` to `leave`.

    Clients and sessions that exist at `enter` are not turned around: a client keeps the address it was made with.
    Its calls are refused, with the remedy, until `leave`; then it works as before. A session that already holds
    credentials makes clients that reach the cloud, which does not know those credentials and says so.

    Parameters
    ----------
    endpoint, region, access_key, secret_key
        As for `variables`.
    empty_file
        A file that `enter` creates, empty and read-only. It must not hold anything.
    """

    _up: "Isolation | None" = None

    def __init__(self, endpoint: str, *, region: str, access_key: str, secret_key: str, empty_file: Path):
        self._settings = {
            "endpoint": endpoint,
            "region": region,
            "access_key": access_key,
            "secret_key": secret_key,
            "empty_file": Path(empty_file),
        }
        self._port = urlsplit(endpoint).port

    def enter(self) -> None:
        """Isolate; a second call does nothing.

        Raises
        ------
        RuntimeError
            If another isolation is up: the environment belongs to the process, so there is room for one.
        ValueError
            If the file that must be empty is not.
        """
        if Isolation._up is self:
            return
        if Isolation._up is not None:
            raise RuntimeError("another local cloud is up in this process: stop it first")
        _make_empty(self._settings["empty_file"])
        Isolation._up = self
        self._session, self._send = boto3.DEFAULT_SESSION, URLLib3Session.send
        ours = variables(os.environ, **self._settings)
        gone = cleared(os.environ)
        self._before = {name: os.environ.get(name) for name in gone | ours.keys()}
        for name in gone:
            del os.environ[name]
        os.environ.update(ours)
        self._wall = _wall(self._send, self)
        URLLib3Session.send = self._wall
        # A session remembers its credentials; the next one made finds the new environment.
        boto3.DEFAULT_SESSION = None

    def leave(self) -> None:
        """Put everything back as it was at `enter`; a second call does nothing.

        ``AWS_*`` variables that were set meanwhile go as well: they were meant for the cloud.
        """
        if Isolation._up is not self:
            return
        Isolation._up = None
        if URLLib3Session.send is self._wall:  # else somebody has wrapped it since, and the wall stands open inside
            URLLib3Session.send = self._send
        for name in cleared(os.environ) - self._before.keys():
            del os.environ[name]
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        boto3.DEFAULT_SESSION = self._session

    def __enter__(self) -> "Isolation":
        self.enter()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


def _wall(send: Callable, isolation: Isolation) -> Callable:
    def guarded(session: URLLib3Session, request: Any) -> Any:
        target = urlsplit(request.url)
        ours = target.hostname in LOOPBACK and target.port == isolation._port
        # A proxy set in the client's own Config is the one that NO_PROXY does not reach.
        if Isolation._up is isolation and (not ours or session._proxy_config.proxy_url_for(request.url)):
            raise CallRefused(
                f"this call was on its way to {target.netloc}, but while the local cloud is up, boto3 reaches only the "
                "local cloud: make a new client, with neither an endpoint_url nor a proxy nor an S3 ARN, or stop the "
                "cloud first"
            )
        return send(session, request)

    return guarded


def _past_proxies(environ: Mapping[str, str], host: str | None) -> str:
    # Python prefers the lower-case variable to the other: only the union keeps both as they were.
    names = [name.strip() for key in ("no_proxy", "NO_PROXY") for name in environ.get(key, "").split(",")]
    if "*" in names:  # means "all" only where it stands alone
        return "*"
    return ",".join(dict.fromkeys(filter(None, [*names, *LOOPBACK, host])))


def _make_empty(file: Path) -> None:
    file.touch()
    if file.stat().st_size:
        raise ValueError(f"{file} must be empty: it stands in for the learner's configuration")
    # `aws configure` writes to the file that AWS_CONFIG_FILE names; here nobody shall leave credentials.
    file.chmod(0o400)
