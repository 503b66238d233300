"""Writes down when the steps of a cold start are reached, inside the process that starts.

Python imports a module of this name before anything else. :mod:`helpers.cloud.anatomy` puts a copy of it on the
PYTHONPATH of functions that are measured, and of no others. It looks at the clock when Python has started, when the
function's module is imported and has been, when the runtime client asks for the first event, has it, and hands in the
result; then it writes all of these moments next to itself and puts everything back as it was.
"""

from time import monotonic

BEGAN_S = monotonic()

import os  # noqa: E402  (the clock comes first)


def _watch() -> None:
    import importlib
    import sys

    times = [("began", BEGAN_S), ("loaded", monotonic())]  # the runtime client would import importlib, too
    module_name = os.environ["_HANDLER"].rpartition(".")[0].replace("/", ".")
    import_module = importlib.import_module

    def importing(name: str, package: str | None = None) -> object:
        if name != module_name:
            return import_module(name, package)
        times.append(("module", monotonic()))
        importlib.import_module = import_module
        module = import_module(name, package)
        times.append(("imported", monotonic()))
        listen(sys.modules["runtime_client"])
        return module

    def listen(client: object) -> None:
        ask, hand_in = client.next, client.post_invocation_result

        def asking() -> object:
            client.next = ask
            times.append(("asked", monotonic()))
            event = ask()
            times.append(("delivered", monotonic()))
            return event

        def handing_in(*arguments: object) -> object:
            client.post_invocation_result = hand_in
            times.append(("handled", monotonic()))
            write()
            return hand_in(*arguments)

        client.next, client.post_invocation_result = asking, handing_in

    def write() -> None:
        path = os.path.join(os.path.dirname(__file__), f"{os.getpid()}.times")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(file, "".join(f"{name} {at_s!r}\n" for name, at_s in times).encode())
        os.write(file, f"written {monotonic()!r}\n".encode())
        os.close(file)

    importlib.import_module = importing
    times.append(("watching", monotonic()))


if "_HANDLER" in os.environ:
    _watch()
