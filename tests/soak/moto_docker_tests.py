"""moto's own tests of its Docker executor, run with ours in its place.

``python tests/soak/moto_docker_tests.py`` fetches moto's source distribution, which contains its tests, runs those that
invoke Lambda functions in Docker, each within ``helpers.cloud.local_lambda()``, and compares with the table below: it
fails when a test that passed no longer does, when one that differs does so for another reason, when a test leaves
processes behind, and when moto has tests that the table doesn't know. Nothing is installed into the project's
environment: what moto's tests import besides goes into a temporary folder, behind everything else on the path.

The same file is the pytest plugin (``-p moto_docker_tests``) that wraps each test and writes down what came of it, and
with ``--serve`` the moto server for the tests that want one.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOTO = "5.2.5"
# What moto's tests and the services in them import, and a learner's installation has no use for.
EXTRAS = (
    "antlr4-python3-runtime==4.13.2",
    "freezegun==1.5.5",
    "graphql-core==3.3.2",
    "joserfc==1.8.0",
    "jsonpath-ng==1.16.0",
    "openapi-spec-validator==0.9.0",
    "py-partiql-parser==0.6.3",
)
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXECUTOR = "helpers.cloud:local_lambda"
NO_TESTS = 2  # the exit code when moto's tests cannot be had
GRACE_S = 2.0

# Between runner, plugin and server.
EXECUTOR_VARIABLE = "MOTO_TESTS_EXECUTOR"
EXTRAS_VARIABLE = "MOTO_TESTS_EXTRAS"
RESULTS_VARIABLE = "MOTO_TESTS_RESULTS"


@dataclass(frozen=True)
class Differs:
    """Why a test of moto's is expected to fail here, and the words of the failure that show it."""

    reason: str
    shows: str


PASSES = None

# AWS answers one way, moto's Docker executor another, and ours follows AWS.
UNHANDLED = Differs("AWS calls an exception Unhandled, moto Handled", "'Unhandled' == 'Handled'")
NOT_A_ZIP = Differs("AWS refuses a layer that is not a zip file, moto takes it", "PublishLayerVersion operation")
NO_EVENT = Differs("AWS makes an invocation without payload an empty event, moto a string", "{'event': {}}")
STREAM = Differs("AWS has a log stream for an environment, moto for an invocation", "assert 1 == 4")
DOCKER_HOST = Differs("moto has functions report to a name that only Docker resolves", "host.docker.internal")

# Every test marked as needing Docker whose Docker runs a function. All are of Python runtimes.
INVOKING: dict[str, dict[str, Differs | None]] = {
    "test_awslambda/test_lambda_invoke.py": {
        "TestLambdaInvocations_Error::test_invoke_function_that_throws_error": UNHANDLED,
        "TestLambdaInvocations::test_invoke_requestresponse_function": PASSES,
        "TestLambdaInvocations::test_invoke_event_function": PASSES,
        "TestLambdaInvocations::test_invoke_dryrun_function": PASSES,
        "TestLambdaInvocations::test_invoke_async_function": PASSES,
        "test_invoke_function_with_multiple_files_in_zip": PASSES,
        "test_invoke_function_large_response": PASSES,
        "test_invoke_lambda_with_entrypoint": PASSES,
    },
    "test_awslambda/test_lambda_layers_invoked.py": {"test_invoke_local_lambda_layers": NOT_A_ZIP},
    "test_awslambda/test_lambda_eventsourcemapping.py": {
        "test_invoke_function_from_sqs": PASSES,
        "test_invoke_function_from_dynamodb_put": PASSES,
        "test_invoke_function_from_dynamodb_update": PASSES,
        "test_invoke_function_from_sqs_exception": PASSES,
        "test_invoke_function_from_sns": PASSES,
        "test_invoke_function_from_kinesis": PASSES,
    },
    "test_sqs/test_sqs_integration.py": {
        "test_invoke_function_from_sqs_queue": PASSES,
        "test_invoke_function_from_sqs_fifo_queue": PASSES,
    },
    "test_s3/test_s3_lambda_integration.py": {"test_objectcreated_put__invokes_lambda": PASSES},
    "test_logs/test_integration.py": {
        "test_put_subscription_filter_with_lambda": PASSES,
        "test_subscription_filter_applies_to_new_streams": PASSES,
    },
    "test_events/test_events_lambdatriggers_integration.py": {"test_creating_bucket__invokes_lambda": PASSES},
    "test_secretsmanager/test_server.py": {"test_rotate_secret_lambda_invocations": STREAM},
    "test_cloudformation/test_cloudformation_stack_integration.py": {"test_lambda_function": NO_EVENT},
    "test_cloudformation/test_cloudformation_custom_resources.py": {
        "test_create_custom_lambda_resource__verify_cfnresponse_failed": PASSES,
    },
    "test_stepfunctions/parser/test_stepfunctions_lambda_integration.py": {
        "test_state_machine_calling_lambda_fn": PASSES,
        "test_state_machine_calling_failing_lambda_fn": PASSES,
        "test_comments_on_lmb_function": PASSES,
    },
    "test_stepfunctions/parser/test_stepfunctions_lambda_retry_integration.py": {
        "test_retry_lambda": PASSES,
        "test_retry_lambda_jitter_none": PASSES,
    },
}
# No mark, but they reach Docker all the same.
UNMARKED: dict[str, dict[str, Differs | None]] = {
    "test_cloudformation/test_cloudformation_custom_resources.py": {
        "test_create_custom_lambda_resource__verify_manual_request": PASSES,
    },
}
# No mark either: these skip themselves unless a moto server runs, and then its functions run in Docker.
WITH_A_SERVER: dict[str, dict[str, Differs | None]] = {
    "test_awslambda/test_lambda_invoke.py": {
        "test_invoke_lambda_using_environment_port": PASSES,
        "test_invoke_function_get_ec2_volume": PASSES,
    },
    "test_cloudformation/test_cloudformation_custom_resources.py": {"test_create_custom_lambda_resource": DOCKER_HOST},
}
# All tests of the services whose delivery is ours, Docker or not: those that fail without us as well are named.
WHOLE = ("test_events", "test_scheduler", "test_s3/test_s3_eventbridge_integration.py")
FAIL_ANYWAY = ("test_events/test_events.py::test_put_events",)  # asks for a warning, and warnings are off here
NOT_APPLICABLE = {
    "test_batch/test_batch_jobs.py": "AWS Batch runs container images; no function is invoked",
    "test_moto_api/state_manager/test_batch_integration.py": "AWS Batch again",
    "test_core/test_docker.py": "asks whether Docker itself is there",
    "test_awslambda/test_lambda_invoke.py::test_invoke_lambda_using_networkmode": "asks for Docker's network mode",
    "test_awslambda/test_lambda_invoke.py::test_invoke_lambda_with_proxy": "asks for moto's proxy, in a container",
}

# --- the plugin ---------------------------------------------------------------------------------------------------


def executor() -> contextlib.AbstractContextManager[object]:
    """Return what replaces moto's executor, imported only now."""
    module, _, name = os.environ.get(EXECUTOR_VARIABLE, EXECUTOR).partition(":")
    return getattr(importlib.import_module(module), name)()


def processes_left(known: set[int]) -> list[str]:
    """Return the command lines of child processes that are still there after a moment, each only once."""
    import psutil

    deadline = time.monotonic() + GRACE_S
    me = psutil.Process()
    while left := [child for child in me.children(recursive=True) if child.pid not in known]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    names = []
    for process in left:
        known.add(process.pid)
        with contextlib.suppress(psutil.Error):
            names.append(" ".join(process.cmdline())[:120] or process.name())
    return names


if RESULTS_VARIABLE in os.environ:
    import pytest

    # Behind the project's packages: only what is missing there comes from here.
    sys.path += [os.environ[EXTRAS_VARIABLE], str(ROOT)]
    _open = pytest.StashKey[contextlib.ExitStack]()
    _seen: set[int] = set()

    def _write(**row: object) -> None:
        with open(os.environ[RESULTS_VARIABLE], "a", encoding="utf-8") as results:
            results.write(json.dumps(row) + "\n")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
        """Put our executor in place before anything of the test runs, a class's set-up included."""
        item.stash[_open] = contextlib.ExitStack()
        item.stash[_open].enter_context(executor())
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
        """Take it away after everything else, and look at what it left."""
        try:
            return (yield)
        finally:
            item.stash[_open].close()
            if left := processes_left(_seen):
                _write(test=item.nodeid, left=left)

    def pytest_runtest_logreport(report: pytest.TestReport) -> None:
        """Write down what came of a test, or of a set-up or teardown that failed."""
        if report.when == "call" or report.outcome != "passed":
            text = "" if report.passed else str(report.longrepr)
            _write(test=report.nodeid, outcome=report.outcome, seconds=report.duration, text=text)


# --- the server ---------------------------------------------------------------------------------------------------


def serve(port: int) -> None:
    """Run a moto server with our executor until the standard input closes."""
    sys.path += [os.environ[EXTRAS_VARIABLE], str(ROOT)]
    os.environ["MOTO_PORT"] = str(port)
    with executor():
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        server.start()
        print("ready", flush=True)
        sys.stdin.read()
        server.stop()


@contextlib.contextmanager
def moto_server(environment: dict[str, str], *, loud: bool) -> Iterator[int]:
    """Run that server in a process of its own; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "--serve", str(port)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": None if loud else subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        try:
            process.stdout.readline()
            yield port
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


# --- the runner ---------------------------------------------------------------------------------------------------


def pip(*arguments: str) -> str:
    """Run pip; return an empty string, or the last line of what it said when it failed."""
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1]


def fetch(folder: Path) -> str:
    """Bring moto's tests and what they import into a folder, unless they are there; say what went wrong."""
    if not list(folder.glob(f"moto-{MOTO}.tar.gz")):
        fault = pip("download", "--no-binary", "moto", "--no-deps", "--dest", str(folder), f"moto=={MOTO}")
        if fault:
            return f"moto's source distribution cannot be had: {fault}"
    if not (folder / "tests").exists():
        with tarfile.open(next(folder.glob("moto-*.tar.gz"))) as archive:
            for member in archive.getmembers():
                _, _, member.name = member.name.partition("/")
                if member.name.startswith("tests/"):
                    archive.extract(member, folder, filter="data")
    if not (folder / "extras").exists():
        fault = pip("install", "--quiet", "--target", str(folder / "extras"), *EXTRAS)
        if fault and not (folder / "extras").exists():
            return f"what moto's tests import cannot be had: {fault}"
    return ""


def marked_tests(folder: Path) -> set[str]:
    """Return the tests that carry moto's mark for Docker, read without importing them."""
    found = set()
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "requires_docker" not in text:
            continue
        name = path.relative_to(folder).as_posix()
        for node in ast.parse(text).body:
            if not any("requires_docker" in ast.unparse(mark) for mark in getattr(node, "decorator_list", ())):
                continue
            if isinstance(node, ast.ClassDef):
                methods = [method.name for method in node.body if isinstance(method, ast.FunctionDef)]
                found |= {f"{name}::{node.name}::{method}" for method in methods if method.startswith("test_")}
            else:
                found.add(f"{name}::{node.name}")
    return found


def flat(*tables: dict[str, dict[str, Differs | None]]) -> dict[str, Differs | None]:
    """Return tables of expectations as one, with the names that pytest gives."""
    return {
        f"{file}::{test}": what for table in tables for file, tests in table.items() for test, what in tests.items()
    }


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what AWS's and moto's libraries would read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "TEST"))}
    return kept | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def run(folder: Path, tests: list[str], environment: dict[str, str], *, timeout_s: float, loud: bool) -> list[dict]:
    """Run tests in a subprocess; return one row for each thing that was written down."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    results = folder / "results.jsonl"
    results.write_text("", encoding="utf-8")
    plugins = ["-p", Path(__file__).stem, "-p", "no:cacheprovider", "-p", "no:nbval", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", *plugins, "--runxfail", "-vv", "-W", "ignore"]
    environment = environment | {
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        RESULTS_VARIABLE: str(results),
    }
    output = None if loud else subprocess.PIPE
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [*command, *(f"tests/{test}" for test in tests)],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode not in (0, 1):  # neither passed nor failed: pytest itself could not go on
            print(done.stdout or "")
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def judge(test: str, expected: Differs | None, rows: list[dict]) -> tuple[str, str, bool]:
    """Return what came of a test, a remark, and whether that is as expected."""
    outcomes = [row["outcome"] for row in rows if "outcome" in row]
    left = [name for row in rows for name in row.get("left", ())]
    faults = [row["text"] for row in rows if row.get("outcome") == "failed"]
    cases = f"{outcomes.count('passed')} of {len(outcomes)}"
    if left:
        return cases, f"left behind: {left[0]}", False
    if not outcomes:
        return "did not run", "", False
    if "skipped" in outcomes:
        return "skipped", rows[0]["text"][-120:], False
    if not faults:
        remark = "" if expected is PASSES else f"passes now, though expected to differ: {expected.reason}"
        return cases, remark, True
    if expected is not PASSES and all(expected.shows in text for text in faults):
        return cases, f"differs: {expected.reason}", True
    said = [line[1:].strip() for line in faults[0].splitlines() if line.startswith("E ")]
    return cases, (said or faults[0].strip().splitlines() or [""])[0][:160], False


def report(expectations: dict[str, Differs | None], rows: list[dict]) -> int:
    """Print a row for each test; return how many are not as expected."""
    wrong = 0
    for test, expected in expectations.items():
        mine = [row for row in rows if row["test"].partition("[")[0] == f"tests/{test}"]
        outcome, remark, as_expected = judge(test, expected, mine)
        wrong += not as_expected
        seconds = sum(row.get("seconds", 0) for row in mine)
        print(f"{'  ' if as_expected else '! '}{outcome:<12}{seconds:>7.1f} s  {test}")
        if remark:
            print(f"{'':<24}{remark}")
    return wrong


def main() -> int:
    """Fetch, run, compare; return 0 if everything is as expected, 1 if not, 2 if moto's tests cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--executor", default=EXECUTOR, help="what replaces moto's executor: module:context_manager")
    parser.add_argument("--folder", type=Path, help="keep moto's tests and what they import here, for the next time")
    parser.add_argument("--only", default="", help="run only tests whose name contains this")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for all tests together")
    parser.add_argument("--loud", action="store_true", help="show what pytest writes")
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve)
        return 0
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moto-tests-")))
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        if fault := fetch(folder):
            print(fault, file=sys.stderr)
            return NO_TESTS
        environment = clean_environment() | {
            EXECUTOR_VARIABLE: options.executor,
            EXTRAS_VARIABLE: str(folder / "extras"),
        }
        chosen = {test: what for test, what in flat(INVOKING, UNMARKED).items() if options.only in test}
        served = {test: what for test, what in flat(WITH_A_SERVER).items() if options.only in test}
        rows, wrong, beside = [], 0, 0
        settings = {"timeout_s": options.timeout, "loud": options.loud}
        if chosen:
            rows = run(folder, list(chosen), environment, **settings)
            print(f"moto {MOTO}: tests that invoke functions in Docker, with {options.executor} instead")
            wrong += report(chosen, rows)
        if served:
            with moto_server(environment, loud=options.loud) as port:
                address = f"http://127.0.0.1:{port}"
                mode = {"TEST_SERVER_MODE": "true", "TEST_SERVER_MODE_ENDPOINT": address, "MOTO_PORT": str(port)}
                # The functions run in the server's process: there is nothing to wrap in the tests' own.
                mode[EXECUTOR_VARIABLE] = "contextlib:nullcontext"
                rows = run(folder, list(served), environment | mode, **settings)
            print("the same through a moto server in a process of its own")
            wrong += report(served, rows)
        if not options.only:
            rows = run(folder, list(WHOLE), environment, **settings)
            failed = {row["test"].removeprefix("tests/") for row in rows if row.get("outcome") == "failed"}
            left = [row["test"] for row in rows if "left" in row]
            print(f"{', '.join(WHOLE)}: {sum(row.get('outcome') == 'passed' for row in rows)} passed")
            for test in sorted({*(failed - set(FAIL_ANYWAY)), *left}):
                print(f"! {test}: fails, or leaves processes behind")
            beside = len(failed - set(FAIL_ANYWAY)) + len(left) + (not rows)
        print("not applicable")
        for test, reason in NOT_APPLICABLE.items():
            print(f"  {test}: {reason}")
        known = set(flat(INVOKING))
        strange = {test for test in marked_tests(folder / "tests") - known if test.split("::")[0] not in NOT_APPLICABLE}
        for test in sorted(strange):
            print(f"! not in the table: {test}")
        total = len(chosen) + len(served)
        print(f"{total - wrong} of {total} as expected" + (f", {len(strange)} unknown" if strange else ""))
        return int(bool(wrong or strange or beside))


if __name__ == "__main__":
    sys.exit(main())
