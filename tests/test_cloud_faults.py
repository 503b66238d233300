"""What goes wrong in a function: AWS's types of error and messages, and that the next invocation works."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

MB = 1024 * 1024
RUNS_OR = "    if event == 'again': return 'works'\n"


def handler(body: str) -> str:
    """Return a function that does what it says, unless it is called again."""
    return "def handler(event, context):\n" + RUNS_OR + "".join(f"    {line}\n" for line in body.splitlines())


@dataclass(frozen=True)
class Fault:
    """A function that fails, and what AWS says of it."""

    source: str
    error: str
    says: str  # the whole message; ID stands for the request's
    status: str = "error"
    settings: dict[str, Any] = field(default_factory=dict)
    report: str = ""  # how the REPORT line ends
    recovers: bool = True  # the same environment, or another one, serves the next event
    same: bool = False  # it is the same environment


EXIT = "RequestId: ID Error: Runtime exited with error: "
FAULTS = {
    "it takes too long": Fault(
        handler("import time; time.sleep(30)"),
        "Sandbox.Timedout",
        "RequestId: ID Error: Task timed out after 1.00 seconds",
        "timeout",
        {"Timeout": 1},
        "\tStatus: timeout",
    ),
    "it keeps the processor busy": Fault(
        handler("while True: pass"),
        "Sandbox.Timedout",
        "RequestId: ID Error: Task timed out after 1.00 seconds",
        "timeout",
        {"Timeout": 1},
        "\tStatus: timeout",
    ),
    "it ends its process": Fault(
        handler("import os; os._exit(3)"),
        "Runtime.ExitError",
        f"{EXIT}exit status 3",
        report="\tStatus: error\tError Type: Runtime.ExitError",
    ),
    "it ends its process as if all were well": Fault(
        handler("import os; os._exit(0)"),
        "Runtime.ExitError",
        "RequestId: ID Error: Runtime exited without providing a reason",
        report="\tStatus: error\tError Type: Runtime.ExitError",
    ),
    "it calls sys.exit": Fault(
        handler("import sys; sys.exit(1)"),
        "Runtime.ExitError",
        f"{EXIT}exit status 1",
        report="\tStatus: error\tError Type: Runtime.ExitError",
    ),
    "it calls sys.exit with words": Fault(
        handler("import sys; sys.exit('gone fishing')"), "Runtime.ExitError", f"{EXIT}exit status 1"
    ),
    "it is killed": Fault(
        handler("import os; os.kill(os.getpid(), 9)"),
        "Runtime.ExitError",
        f"{EXIT}signal: killed",
        report="\tStatus: error\tError Type: Runtime.ExitError",
    ),
    "it aborts": Fault(handler("import os; os.abort()"), "Runtime.ExitError", f"{EXIT}signal: aborted"),
    "it reads where there is nothing": Fault(
        handler("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
        "Runtime.ExitError",
        f"{EXIT}signal: segmentation fault",
    ),
    "it kills its whole group": Fault(
        handler("import os; os.killpg(os.getpgrp(), 9)"), "Runtime.ExitError", f"{EXIT}signal: killed"
    ),
    "it uses more memory than it has": Fault(
        handler("import time\ndata = []\nwhile True:\n    data.append(bytearray(b'x' * 4_000_000)); time.sleep(0.002)"),
        "Runtime.OutOfMemory",
        f"{EXIT}signal: killed",
        settings={"MemorySize": 128},
        report="\tStatus: error\tError Type: Runtime.OutOfMemory",
    ),
    "its child uses more memory than it has": Fault(
        handler(
            "import subprocess, sys\n"
            "subprocess.run([sys.executable, '-c', 'import time; x = bytearray(b\"x\" * 200_000_000); time.sleep(9)'])"
        ),
        "Runtime.OutOfMemory",
        f"{EXIT}signal: killed",
        settings={"MemorySize": 128},
    ),
    "it returns more than six megabytes": Fault(
        handler("return 'x' * (6 * 1024 * 1024 + 100 - 1)"),
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        report="\tStatus: error\tError Type: Function.ResponseSizeTooLarge",
    ),
    "it returns what JSON has no word for": Fault(
        handler("return {1, 2}"),
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
        same=True,
    ),
    "it raises": Fault(handler("raise ValueError('no such order')"), "ValueError", "no such order", same=True),
    "it raises without words": Fault(handler("raise LookupError"), "LookupError", "", same=True),
    "it raises an exception of its own": Fault(
        "class Late(Exception): pass\n" + handler("raise Late('tülich 🚀')"), "Late", "tülich 🚀", same=True
    ),
    "it calls itself without end": Fault(
        handler("return handler(event, context)"),
        "RecursionError",
        "maximum recursion depth exceeded",
        same=True,
    ),
    "it interrupts itself": Fault(handler("raise KeyboardInterrupt"), "Runtime.ExitError", f"{EXIT}signal: interrupt"),
    "its module does not exist": Fault(
        "",
        "Runtime.ImportModuleError",
        "Unable to import module 'nowhere': No module named 'nowhere'",
        settings={"Handler": "nowhere.handler"},
        recovers=False,
    ),
    "it imports what does not exist": Fault(
        "import nowhere\n",
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'nowhere'",
        recovers=False,
        report="\tStatus: error\tError Type: Runtime.ImportModuleError",
    ),
    "it has a slip in its syntax": Fault(
        "def handler(event, context)\n    pass\n",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': expected ':' (app.py, line 1)",
        recovers=False,
    ),
    "it has no such handler": Fault(
        "x = 1\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", recovers=False
    ),
    "its handler has no dot": Fault(
        "",
        "Runtime.MalformedHandlerName",
        "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        settings={"Handler": "app"},
        recovers=False,
    ),
    "its module is Python's own": Fault(
        "",
        "Runtime.BuiltInModuleConflict",
        "Cannot use built-in module sys as a handler module",
        settings={"Handler": "sys.exit"},
        recovers=False,
    ),
    "its module raises": Fault("raise RuntimeError('no database')\n", "RuntimeError", "no database", recovers=False),
    "its module ends the process": Fault(
        "import os\nos._exit(7)\n",
        "Runtime.ExitError",
        f"{EXIT}exit status 7",
        recovers=False,
        report="\tStatus: error\tError Type: Runtime.ExitError",
    ),
    "its module calls sys.exit": Fault(
        "import sys\nsys.exit(0)\n",
        "Runtime.ExitError",
        "RequestId: ID Error: Runtime exited without providing a reason",
        recovers=False,
    ),
    "its handler takes no arguments": Fault(
        "def handler(): pass\n",
        "TypeError",
        "handler() takes 0 positional arguments but 2 were given",
        recovers=False,
        same=True,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_function_fails_as_on_aws_when(workshop: Any, cloud: Any, name: str) -> None:
    fault = FAULTS[name]
    function = workshop.make({"app.py": fault.source, "other.py": ""}, **{"MemorySize": 256, **fault.settings})
    answer = workshop.invoke(function)
    said = json.loads(answer["Payload"])
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert answer["ExecutedVersion"] == "$LATEST"
    assert said["errorType"] == fault.error
    assert said["errorMessage"].replace(request_id, "ID").startswith(fault.says)
    row = cloud.invocations().query("function == @function").iloc[-1]
    assert (row.request_id, row.status) == (request_id, fault.status)
    report = [line for line in workshop.logs(function) if line.startswith("REPORT")][-1]
    assert report.rstrip("\n").endswith(fault.report)
    if fault.recovers:
        assert workshop.call(function, "again") == "works"
        environments = cloud.environments().query("function == @function")
        assert len(environments) == (1 if fault.same else 2)
    else:  # and the next one finds the corrected code
        code = "def handler(event, context): return 'works'\n"
        workshop.client.update_function_configuration(FunctionName=function, Handler="app.handler")
        workshop.client.update_function_code(FunctionName=function, ZipFile=workshop.zipped(code))
        assert workshop.call(function) == "works"


def test_a_response_of_six_megabytes_and_a_hundred_bytes_passes(workshop: Any) -> None:
    name = workshop.make("def handler(event, context): return 'x' * (6 * 1024 * 1024 + 100 - 2)\n")
    assert len(workshop.call(name)) == 6 * MB + 98


def test_a_stack_trace_names_files_where_lambda_has_them(workshop: Any) -> None:
    layer = workshop.client.publish_layer_version(
        LayerName="deep", Content={"ZipFile": workshop.zipped({"python/deep.py": "def fall(): return 1 / 0\n"})}
    )
    source = "import deep\ndef handler(event, context):\n    return deep.fall()\n"
    said = workshop.fail(workshop.make(source, Layers=[layer["LayerVersionArn"]]))
    assert said["stackTrace"] == [
        '  File "/var/task/app.py", line 3, in handler\n    return deep.fall()\n',
        '  File "/opt/python/deep.py", line 1, in fall\n    def fall(): return 1 / 0\n',
    ]
    assert re.fullmatch(r"[0-9a-f-]{36}", said["requestId"])


def test_a_slip_in_the_syntax_is_shown_with_its_file_and_line(workshop: Any) -> None:
    said = workshop.fail(workshop.make("x = (\n"))
    assert said["stackTrace"] == ['  File "/var/task/app.py" Line 1\n    x = (\n']


def test_a_failed_init_is_logged_as_aws_does(workshop: Any) -> None:
    name = workshop.make("import nowhere\n")
    workshop.fail(name)
    kinds = [re.split(r"[ \t]", line)[0].strip() for line in workshop.logs(name)]
    assert [kind for kind in kinds if kind not in ("[WARNING]", "LAMBDA_WARNING:")] == [
        "INIT_START", "[ERROR]", "INIT_REPORT", "[ERROR]", "INIT_REPORT", "START", "END", "REPORT",
    ]  # fmt: skip
    reports = [line for line in workshop.logs(name) if line.startswith("INIT_REPORT")]
    assert [line.split("\t")[1:] for line in reports] == [
        ["Phase: init", "Status: error", "Error Type: Runtime.ImportModuleError\n"],
        ["Phase: invoke", "Status: error", "Error Type: Runtime.ImportModuleError\n"],
    ]


def test_only_the_report_tells_of_a_timeout_or_an_exit(workshop: Any) -> None:
    source = "import os, time\ndef handler(event, context): os._exit(1) if event else time.sleep(9)\n"
    name = workshop.make(source, Timeout=1)
    workshop.fail(name, 1)
    workshop.fail(name, 0)
    kinds = [re.split(r"[ \t]", line)[0] for line in workshop.logs(name)]
    assert kinds == ["INIT_START", "START", "END", "REPORT"] * 2


def test_an_environment_that_failed_is_replaced_by_one_with_a_fresh_init(workshop: Any) -> None:
    name = workshop.make("""
        import os
        COUNT = []
        def handler(event, context):
            COUNT.append(1)
            return len(COUNT) if event is None else os._exit(1)
    """)
    assert [workshop.call(name), workshop.call(name)] == [1, 2]
    workshop.fail(name, "exit")
    assert [workshop.call(name), workshop.call(name)] == [1, 2]


def test_a_timeout_takes_its_time_and_is_billed_for_it(workshop: Any, cloud: Any) -> None:
    name = workshop.make("import time\ndef handler(event, context): time.sleep(9)\n", Timeout=1)
    workshop.fail(name)
    row = cloud.invocations().query("function == @name").iloc[0]
    assert row.duration_ms == 1000
    assert row.billed_ms == -(-(1000 + row.init_ms) // 1)


def test_children_end_with_their_environment(workshop: Any, cloud: Any) -> None:
    source = """
        import subprocess, sys
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            if event: __import__("os")._exit(1)
            return child.pid
    """
    name = workshop.make(source)
    pid = workshop.call(name)
    os.kill(pid, 0)  # between two invocations it may live
    workshop.fail(name, "exit")
    workshop.until(lambda: not runs(pid))


def runs(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_forked_child_that_holds_the_output_delays_nobody(workshop: Any, cloud: Any) -> None:
    source = """
        import os, time
        def handler(event, context):
            if os.fork() == 0:
                time.sleep(60)
            if event: os._exit(1)
            return os.getpid()
    """
    name = workshop.make(source)
    workshop.call(name)
    assert workshop.fail(name, "exit")["errorType"] == "Runtime.ExitError"
    assert workshop.call(name)
    row = cloud.invocations().query("function == @name")
    assert row.duration_ms.max() < 3000


def lost(said: list[str]) -> int:
    """Return how much was not kept, as the last message says."""
    return int(
        re.fullmatch(r"\[local cloud\] ([\d,]+) bytes more were written, and not kept\.\n", said[-1])[1].replace(
            ",", ""
        )
    )


WRITES: dict[str, tuple[str, Callable[[list[str]], bool]]] = {
    "it closes its output": ("import os; print('last'); os.close(1); os.close(2)", lambda said: said == ["last\n"]),
    "it prints ten megabytes in lines": (
        "for _ in range(10): print(('x' * 1023 + '\\n') * 1024, end='')",
        lambda said: set(said[:-1]) == {"x" * 1023 + "\n"} and 1024 * len(said[:-1]) + lost(said) == 10 * MB,
    ),
    "it prints ten megabytes in one line": (
        "print('y' * 10_000_000)",
        lambda said: (
            max(map(len, said)) <= 262_145 and sum(len(line) - 1 for line in said[:-1]) + lost(said) == 10_000_001
        ),
    ),
    "it prints no text": (
        "import os; os.write(1, bytes(range(256)) * 4 + b'\\xa5\\x5a\\x00\\x03\\xff\\xff\\xff\\xff' + b'\\n')",
        lambda said: len(said) > 0,
    ),
    "it prints the head of a log record": (
        "import os; os.write(1, bytes.fromhex('a55a0003') + b'\\xff' * 12 + b'abc\\n'); print('after')",
        lambda said: any("after" in line for line in said),
    ),
    "it prints no end of a line": ("print('half', end='')", lambda said: said == ["half\n"]),
    "it prints empty lines": ("print('a\\n\\n\\nb')", lambda said: said == ["a\n", "b\n"]),
    "it prints in many tongues": ("print('grüezi ☃ 🚀')", lambda said: said == ["grüezi ☃ 🚀\n"]),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_function_answers_and_its_log_is_there_though(workshop: Any, cloud: Any, name: str) -> None:
    body, holds = WRITES[name]
    function = workshop.make(f"def handler(event, context):\n    if event:\n        {body}\n    return 'works'\n")
    assert workshop.call(function, 1) == "works"
    assert workshop.call(function, 0) == "works"
    cloud.recycle()
    platform = ("INIT_START", "START", "END", "REPORT")
    said = [line for line in workshop.logs(function) if not line.startswith(platform)]
    assert holds(said), said[:5]
    assert len(workshop.logs(function)) - len(said) == 7
