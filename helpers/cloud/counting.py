"""One counter in several places, counted by many callers at once: which places count right, and how long each takes.

The function is ``data/handlers/counters``: a global variable of its environments, DynamoDB in three ways, an object of
S3, and Redis, for which a server is started where the machine has one.
"""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from helpers.cloud.deploying import make_table, ship
from helpers.cloud.programs import NO_REDIS, start_redis

if TYPE_CHECKING:
    import pandas as pd

NAME = "counter"
MEMORY, CARELESS, CAREFUL, ADDED, OBJECT, REDIS = (
    "a global variable",
    "DynamoDB, read and write",
    "DynamoDB, if unchanged",
    "DynamoDB, add",
    "S3, if unchanged",
    "Redis",
)
CALLS, CALLERS, ALONE = 24, 4, 5
WORK_MS = 5.0


class Counters:
    """The counting function with its stores, in a cloud that is up; :meth:`close` ends the Redis server.

    Parameters
    ----------
    cloud : a local cloud
    role : ARN of the function's role: DynamoDB and S3

    Attributes
    ----------
    ways : the places in which one can count here
    note : "" or the sentence that says why there is no Redis
    """

    def __init__(self, cloud: Any, role: str) -> None:
        make_table(NAME)
        boto3.client("s3").create_bucket(Bucket=NAME)
        self._redis = start_redis(cloud)
        self.note = "" if self._redis else NO_REDIS
        self.ways = (MEMORY, CARELESS, CAREFUL, ADDED, OBJECT, *([REDIS] if self._redis else []))
        variables = {"REDIS_URL": self._redis[1]} if self._redis else {}
        ship(NAME, "counters", role, TABLE=NAME, BUCKET=NAME, **variables)
        self._lambda = boto3.client("lambda", config=Config(max_pool_connections=CALLERS))

    def close(self) -> None:
        """End the Redis server."""
        if self._redis:
            self._redis[0].stop()

    def together(self, way: str, *, calls: int = CALLS, callers: int = CALLERS) -> dict[str, Any]:
        """Count ``calls`` times from several callers at once; return way, calls, counted, lost and tries.

        ``counted`` is the highest count that any call got back.
        """
        name = f"together-{secrets.token_hex(4)}"
        with ThreadPoolExecutor(callers) as pool:
            answers = list(pool.map(lambda _: self._count(way, name, WORK_MS), range(calls)))
        counted = max(one["count"] for one in answers)
        tries = sum(one["tries"] for one in answers)
        return {"way": way, "calls": calls, "counted": counted, "lost": calls - counted, "tries": tries}

    def alone_ms(self, way: str, calls: int = ALONE) -> float:
        """Return the median time for counting once, as the function measures it, with nobody else there."""
        name = f"alone-{secrets.token_hex(4)}"
        self._count(way, name)  # opens the connection
        return median(self._count(way, name)["ms"] for _ in range(calls))

    def frame(self) -> pd.DataFrame:
        """Return one row a way: what :meth:`together` counts, and alone_ms."""
        import pandas as pd

        return pd.DataFrame([self.together(way) | {"alone_ms": self.alone_ms(way)} for way in self.ways])

    def _count(self, way: str, name: str, work_ms: float = 0) -> dict[str, Any]:
        event = {"way": way, "name": name, "work_ms": work_ms}
        answer = self._lambda.invoke(FunctionName=NAME, Payload=json.dumps(event))
        told = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"counting in {way}: {told['errorMessage']}")
        return told
