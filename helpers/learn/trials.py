"""Trials: a learner's code, shipped to the cloud that the notebook runs on and called there as visitors would call it.

Exercises of the kind "function" take what these return: an object that ships the code, calls it and gives back what
came out. A trial uses the client that it is handed and no other, so it reaches the notebook's cloud or nothing.
"""

from __future__ import annotations

import json
import secrets
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import EndpointConnectionError, HTTPClientError

from helpers.cloud import zip_function

_MODULE = "lambda_function"
# Counts the clients that the learner's module opens, whether through boto3.client or a session of its own.
_COUNTING = f"""
import boto3.session

opened = 0
real_client = boto3.session.Session.client


def counting_client(self, *args, **kwargs):
    global opened
    opened += 1
    return real_client(self, *args, **kwargs)


boto3.session.Session.client = counting_client
import {_MODULE}


def handler(event, context):
    return {{"answer": {_MODULE}.handler(event, context), "opened": opened}}
"""


class TrialFailed(Exception):
    """The learner's code did not run to its end; the message says why in the cloud's words."""


@dataclass(frozen=True)
class Trial:
    """A module's text, with the client and the role that it is shipped with."""

    code: str
    client: Any
    role: str

    def _results(self, events: Sequence[Mapping[str, Any]], files: Mapping[str, str], module: str) -> list[Any]:
        """Ship the code and call it with one event after the other; the cloud's own stop removes it."""
        name = f"trial-{secrets.token_hex(4)}"
        package = zip_function({f"{_MODULE}.py": self.code, **files})
        settings = {"Runtime": "python3.13", "Role": self.role, "Timeout": 30, "MemorySize": 256}
        try:
            self.client.create_function(
                FunctionName=name, Code={"ZipFile": package}, Handler=f"{module}.handler", **settings
            )
            return [self._call(name, event) for event in events]
        except (EndpointConnectionError, HTTPClientError):
            raise TrialFailed("the cloud isn't up; run the cell with start_cloud() and those after it again") from None

    def _call(self, name: str, event: Mapping[str, Any]) -> Any:
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event))
        told = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            said = f"{told.get('errorType', 'Error')}: {told.get('errorMessage', '')}"
            raise TrialFailed(textwrap.shorten(said, 300))
        return told


class _ClientsOpened(Trial):
    def __call__(self, invocations: int) -> float:
        """Return how many clients so many invocations of one environment opened."""
        names = [f"photo-{i}.jpg" for i in range(1, invocations + 1)]
        results = self._results([{"picture": name} for name in names], {"counting.py": _COUNTING}, "counting")
        for name, result in zip(names, results, strict=True):
            if not (isinstance(result["answer"], str) and name in result["answer"] and "Expires" in result["answer"]):
                raise TrialFailed(f"its answer for {name} is no signed link to that picture")
        return results[-1]["opened"]


class _AnswersOf(Trial):
    def __call__(self, events: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return the answers to events that reach one environment, one after the other."""
        return self._results(events, {}, _MODULE)


def clients_opened(code: Any, client: Any, role: str) -> Any:
    """Return a trial that counts the boto3 clients which a module opens while it is called several times.

    Parameters
    ----------
    code : str
        The text of a module whose ``handler`` answers ``{"picture": name}`` with a signed link. The dots that a
        notebook comes with stay dots: not answered yet.
    client : a boto3 client of Lambda
    role : ARN of the function's role
    """
    return _ClientsOpened(code, client, role) if isinstance(code, str) else code


def answers_of(code: Any, client: Any, role: str) -> Any:
    """Return a trial that calls a module's ``handler`` with one event after the other, in one environment.

    Parameters
    ----------
    code : str
        The text of the module. The dots that a notebook comes with stay dots: not answered yet.
    client : a boto3 client of Lambda
    role : ARN of the function's role
    """
    return _AnswersOf(code, client, role) if isinstance(code, str) else code
