"""The poster shop behaves alike as a function, as a server and as a command; and its template really deploys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from helpers.cloud.samples import handler_folder
from helpers.cloud.three_ways import TESTS, Caller, as_function, as_server, by_command, by_url, verdicts
from helpers.portability import compare, manifest_faults, report

FOLDER = handler_folder("poster_shop")


@pytest.fixture(scope="module")
def callers(cloud: Any, workshop: Any, tmp_path_factory: Any) -> Iterator[dict[str, Caller]]:
    folder = tmp_path_factory.mktemp("shop")
    program, server = as_server(cloud, folder / "server")
    with program:
        yield {"function": as_function(workshop.role), "server": server, "command": by_command(folder / "command")}


@pytest.mark.thorough  # the notebook does as much
def test_the_same_tests_hold_in_all_three_ways(callers: dict[str, Caller]) -> None:
    frame = verdicts(callers)
    assert (frame == "holds").all(axis=None), frame.to_string()


@pytest.mark.thorough
def test_a_shop_that_forgets_the_discount_is_caught(callers: dict[str, Caller]) -> None:
    def dear(*asked: Any) -> Any:
        said, order = callers["server"].order(*asked)
        return said, {**order, "cents": 1200 * order["copies"]} if said == "done" else order

    frame = verdicts({"dear": Caller(dear, callers["server"].find)})
    assert frame.query("dear == 'fails'").index.tolist()[0] == "three large posters cost 60 USD"
    assert len(frame) == len(TESTS)


def test_the_domain_owes_nothing_to_aws_and_the_adapters_know_it() -> None:
    frame = compare({one.name: one.read_text() for one in FOLDER.glob("*.py")}).set_index("module")
    free = ["shop.py", "web.py", "server.py", "cli.py", "orders_folder.py"]
    assert frame.aws_lines[free].sum() == 0
    assert (frame.share[["app.py", "orders_dynamodb.py", "letters.py"]] > 0.2).all()
    tangled = (handler_folder("poster_shop_tangled") / "app.py").read_text()
    assert report(tangled).share > frame.aws_lines.sum() / frame.lines.sum()


def test_its_manifests_hang_together_and_fail_when_they_do_not() -> None:
    yaml = pytest.importorskip("yaml")
    text = (FOLDER / "kubernetes.yaml").read_text()
    assert manifest_faults(yaml.safe_load_all(text)) == []
    broken = text.replace("selector: {app: poster-shop}\n  ports", "selector: {app: shop}\n  ports")
    assert manifest_faults(yaml.safe_load_all(broken)) == ["Service poster-shop finds no pods"]


@pytest.mark.thorough  # the notebook does as much
def test_the_template_deploys_through_cloudformation_and_serves(cloud: Any) -> None:
    pytest.importorskip("samtranslator")
    from helpers.cloud import sam
    from helpers.cloud.deploying import public_url

    stack = sam.deploy(FOLDER / "template.yaml", stack="posters")
    assert stack.left_out == ("ShopUrl",)
    shop = by_url(public_url(stack.outputs["Shop"]))
    assert shop.order("1", "noon", "large", 2)[1]["cents"] == 4000
    order = {"number": "2", "picture": "noon", "size": "small", "copies": 1}
    boto3.client("sqs").send_message(QueueUrl=stack.outputs["Inbox"], MessageBody=json.dumps(order))
    cloud.settle()
    assert shop.find("2")[0] == "done"


@pytest.mark.thorough
def test_the_server_ends_with_its_program(cloud: Any, tmp_path: Path) -> None:
    program, caller = as_server(cloud, tmp_path)
    assert caller.find("1")[0] == "unknown"
    program.stop()
    program.stop()
    assert not program.alive
    with pytest.raises(requests.ConnectionError):
        caller.find("1")
