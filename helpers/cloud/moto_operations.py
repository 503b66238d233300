"""What moto's Lambda lacks: provisioned concurrency, and the account's settings.

With the other files called ``moto_*``, one of the few places that touch moto's internals.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from moto.awslambda import urls as lambda_urls
from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse

from helpers import tables
from helpers.cloud.code import UNPACKED_MAX_BYTES, Store
from helpers.cloud.moto_functions import AwsError, as_function, unqualified
from helpers.cloud.service import Service

MORE_PATHS = (
    r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/provisioned-concurrency/?$",
    r"{0}/(?P<api_version>[^/]+)/account-settings/?$",
)
for path in MORE_PATHS:
    lambda_urls.url_paths.setdefault(path, LambdaResponse.dispatch)


class Operations:
    """Operations of Lambda's API that are added to moto's.

    Parameters
    ----------
    service : keeps environments warm
    store : unpacks packages
    """

    def __init__(self, service: Service, store: Store) -> None:
        self.service, self.store = service, store
        self._asked: dict[tuple[str, str], int] = {}  # environments asked for, by ARN and qualifier

    def forget(self, arn: str, qualifier: str | None = None) -> bool:
        """Drop what was asked for a deleted function, or for one qualifier of it; say whether anything was."""
        gone = [key for key in list(self._asked) if key[0] == arn and qualifier in (None, key[1])]
        for key in gone:
            del self._asked[key]
        return bool(gone)

    def provision(self, backend: LambdaBackend, name: str) -> None:
        """Have each version of a function provisioned as its number and its aliases ask for."""
        versions = [fn for fn in backend.list_versions_by_function(name) if str(fn.version).isdigit()]
        for fn in versions:
            arn = unqualified(fn)
            wanted = 0
            for (other, qualifier), count in list(self._asked.items()):
                if other == arn and backend.get_function(name, qualifier) is fn:
                    wanted += count
            if wanted or self.service.provisioned(arn, str(fn.version))[0]:
                self.service.provision(as_function(fn, self.store), wanted)

    def methods(self) -> dict[str, Callable[[LambdaResponse], Any]]:
        """Return the operations by the names under which moto looks for them."""
        operations = self

        def function_and_alias(request: LambdaResponse) -> tuple[LambdaFunction, str]:
            name = unquote(request.path.split("/functions/")[1].split("/")[0])
            qualifier = request._get_param("Qualifier") or ""
            if not qualifier or qualifier == "$LATEST":
                message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
                raise InvalidParameterValueException(message)
            return request.backend.get_function(name, qualifier), qualifier

        def described(fn: LambdaFunction, qualifier: str) -> dict[str, Any]:
            wanted = operations._asked[unqualified(fn), qualifier]
            _, there, broken = operations.service.provisioned(unqualified(fn), str(fn.version))
            there = min(wanted, there)
            found = {
                "RequestedProvisionedConcurrentExecutions": wanted,
                "AvailableProvisionedConcurrentExecutions": there,
                "AllocatedProvisionedConcurrentExecutions": there,
                "Status": "READY" if there >= wanted else "FAILED" if broken else "IN_PROGRESS",
                "LastModified": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
            }
            return found | ({"StatusReason": "FUNCTION_ERROR_INIT_FAILURE"} if found["Status"] == "FAILED" else {})

        def put_provisioned_concurrency_config(request: LambdaResponse) -> Any:
            fn, qualifier = function_and_alias(request)
            count = int(request.json_body["ProvisionedConcurrentExecutions"])
            room = operations.service.limits.max_environments
            if not 1 <= count <= room:
                message = f"ProvisionedConcurrentExecutions must be between 1 and {room} on this machine, got {count}"
                raise InvalidParameterValueException(message)
            as_function(fn, operations.store)  # says so at once where it cannot run here
            operations._asked[unqualified(fn), qualifier] = count
            operations.provision(request.backend, fn.function_name)
            return 202, {"status": 202}, json.dumps(described(fn, qualifier))

        def get_provisioned_concurrency_config(request: LambdaResponse) -> Any:
            if request._get_param("List"):
                return list_provisioned_concurrency_configs(request)
            fn, qualifier = function_and_alias(request)
            if (unqualified(fn), qualifier) not in operations._asked:
                message = f"No Provisioned Concurrency Config found for this function {fn.function_arn}"
                raise AwsError(404, "ProvisionedConcurrencyConfigNotFoundException", {"message": message})
            return 200, {}, json.dumps(described(fn, qualifier))

        def delete_provisioned_concurrency_config(request: LambdaResponse) -> Any:
            fn, qualifier = function_and_alias(request)
            operations._asked.pop((unqualified(fn), qualifier), None)
            operations.provision(request.backend, fn.function_name)
            return 204, {"status": 204}, ""

        def list_provisioned_concurrency_configs(request: LambdaResponse) -> Any:
            name = unquote(request.path.split("/functions/")[1].split("/")[0])
            arn = unqualified(request.backend.get_function(name))
            configs = [
                {
                    "FunctionArn": f"{arn}:{qualifier}",
                    **described(request.backend.get_function(name, qualifier), qualifier),
                }
                for other, qualifier in operations._asked
                if other == arn
            ]
            return 200, {}, json.dumps({"ProvisionedConcurrencyConfigs": configs})

        def get_account_settings(request: LambdaResponse) -> Any:
            functions = list(request.backend.list_functions())
            reserved = sum(int(fn.reserved_concurrency or 0) for fn in functions)
            concurrency = operations.service.limits.concurrency
            return (
                200,
                {},
                json.dumps(
                    {
                        "AccountLimit": {
                            "TotalCodeSize": (75 * 1024**3),
                            "CodeSizeUnzipped": UNPACKED_MAX_BYTES,
                            "CodeSizeZipped": int(tables.limit("lambda.zip_upload").max * 1024 * 1024),
                            "ConcurrentExecutions": concurrency,
                            "UnreservedConcurrentExecutions": concurrency - reserved,
                        },
                        "AccountUsage": {
                            "TotalCodeSize": sum(fn.code_size for fn in functions),
                            "FunctionCount": len(functions),
                        },
                    }
                ),
            )

        found = (
            put_provisioned_concurrency_config,
            get_provisioned_concurrency_config,
            delete_provisioned_concurrency_config,
            list_provisioned_concurrency_configs,
            get_account_settings,
        )
        return {operation.__name__: operation for operation in found}
