"""Recorded calls, the four builds of one service, and the repairs that notebook 04 asks for: on a real local cloud."""

import json

import pytest

boto3 = pytest.importorskip("boto3")

from helpers import tables, upkeep  # noqa: E402
from helpers.cloud import LocalCloud  # noqa: E402
from helpers.cloud.recording import leaves, recording  # noqa: E402
from helpers.cloud.stacks import containers, function, instances, kubernetes  # noqa: E402
from helpers.cloud.target import OnlyOnThisMachine  # noqa: E402
from helpers.learn import keeping, registry  # noqa: E402
from helpers.learn.exercises import no_server_management as exercises  # noqa: E402
from helpers.learn.verdict import judge  # noqa: E402

OLD = "from collections import Mapping\n\n\ndef handler(event, context):\n    kind = 'a record' if isinstance("
OLD += "event, Mapping) else 'a value'\n    return {'kind': kind, 'picture': event['picture']}\n"
NEW = OLD.replace("collections import", "collections.abc import")


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def built(cloud):
    """Return the recording of the function's build, and its URL."""
    with recording() as calls:
        url = function.build()
    return calls, url


def test_a_document_is_decided_value_by_value():
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"]}]})
    assert [path for path, _ in leaves({"Policy": policy})] == [
        "Policy.Statement.Effect",
        "Policy.Statement.Action",
        "Policy.Statement.Action",
    ]
    assert list(leaves({"Text": "{not json"})) == [("Text", "{not json")]


def test_what_an_earlier_answer_named_is_given_and_not_decided(cloud):
    with recording() as calls:
        sqs = boto3.client("sqs")
        queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="one")
    assert calls.frame()[["operation", "decided", "given"]].to_numpy().tolist() == [
        ["CreateQueue", 1, 1],
        ["SendMessage", 1, 2],
    ]
    assert calls.decisions()["value"].tolist() == ["orders", "one"]


def test_calls_outside_and_clients_that_live_on_are_not_recorded(cloud):
    before = boto3.client("sqs")
    with recording() as calls:
        inside = boto3.client("sqs")
        inside.list_queues()
        before.list_queues()
    inside.list_queues()
    boto3.client("sqs").list_queues()
    assert len(calls.frame()) == 1
    assert calls.frame()["reads"].tolist() == [True]


def test_a_call_that_is_refused_is_recorded_with_its_error(cloud):
    with recording() as calls, pytest.raises(Exception, match="does not exist"):
        boto3.client("sqs").send_message(QueueUrl=f"{cloud.endpoint}/123456789012/nowhere", MessageBody="x")
    assert "NonExistentQueue" in calls.frame()["error"].iloc[0]


def test_a_recording_inside_another_hears_its_own_calls_only(cloud):
    with recording() as outer:
        with recording() as inner:
            boto3.client("sqs").list_queues()
        boto3.client("sqs").list_queues()
    assert (len(outer.calls), len(inner.calls)) == (2, 1)


def test_code_and_long_texts_are_shortened(built):
    values = built[0].decisions().set_index("parameter")["value"]
    assert values["Code.ZipFile"].endswith(" bytes")
    assert values.str.len().max() <= 60


def test_the_function_answers_and_its_build_has_no_machine_to_patch(built):
    import requests

    assert requests.get(built[1], timeout=60).json()["picture"] == "noon"
    patches = upkeep.concerns(built[0].frame(), upkeep.TO_PATCH)["what"]
    assert sorted(patches) == ["Language runtime: major version", "Libraries of the application"]


def test_its_role_may_write_its_own_log_and_nothing_else(built):
    from helpers.policies import allows

    policy = boto3.client("iam").get_role_policy(RoleName="shop-function", PolicyName="work")["PolicyDocument"]
    log = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/"
    assert allows(policy, action="logs:PutLogEvents", resource=f"{log}shop:log-stream:x")
    assert not allows(policy, action="logs:PutLogEvents", resource=f"{log}other:log-stream:x")
    assert not allows(policy, action="s3:GetObject", resource="arn:aws:s3:::photos/noon.jpg")


@pytest.mark.thorough
def test_the_other_builds_are_accepted_and_every_call_of_theirs_is_known(cloud):
    known = tables.load("stack_operations").set_index(["service", "operation"]).index
    frames = {}
    for name, stack in {"instances": instances, "containers": containers, "Kubernetes": kubernetes}.items():
        with recording() as calls:
            stack.build()
        frames[name] = calls.frame()
        assert set(frames[name]["error"]) == {""}
        changing = frames[name][~frames[name]["reads"]]
        assert set(zip(changing["service"], changing["operation"], strict=True)) <= set(known)
    counted = upkeep.counted(frames)
    assert counted.loc["parameters decided"].min() > 40
    assert upkeep.created(frames["instances"])["Auto Scaling group"] == 1
    assert upkeep.created(frames["Kubernetes"])["Node group"] == 1
    group_verdicts_are_told_apart()


def group_verdicts_are_told_apart():
    """Set a real group of the control plane; together with the builds, because these take their time."""
    clients = boto3.client("autoscaling"), boto3.client("elbv2")

    def verdict(kind, grace_s):
        settings = {"HealthCheckType": kind, "HealthCheckGracePeriod": grace_s}
        return judge(registry.find("04.1"), keeping.group_with(settings, instances.NAME, *clients))

    assert verdict("ELB", 180).outcome == "right"
    for (kind, grace_s), idea in {
        ("EC2", 180): "asks only whether the machine runs",
        ("ELB", 60): "before it is ready",
        ("ELB", 900): "So much grace",
    }.items():
        assert idea in verdict(kind, grace_s).idea


@pytest.mark.parametrize("stack", [instances, containers, kubernetes], ids=["machines", "containers", "cluster"])
def test_what_costs_by_the_hour_is_not_built_in_a_real_account(stack, monkeypatch):
    monkeypatch.setenv("WORKSHOP_TARGET", "aws")
    with pytest.raises(OnlyOnThisMachine, match="by the hour"):
        stack.build()


def rights_verdict(*statements):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
    return judge(registry.find("04.2"), keeping.rights(policy))


ITEMS = {"Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"], "Resource": f"{exercises.TABLES}pictures"}
LINES = {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"{exercises.LOGS}likes:*"}


def test_four_rights_and_no_more_are_right():
    assert rights_verdict(ITEMS, LINES).outcome == "right"
    assert rights_verdict(ITEMS, {**LINES, "Resource": LINES["Resource"].replace("us-east-1", "*")}).outcome == "right"


@pytest.mark.parametrize(
    ("statements", "idea"),
    [
        (({"Action": "*", "Resource": "*"},), "Everything is allowed"),
        (({**ITEMS, "Resource": "*"}, {**LINES, "Resource": "*"}), "Name the resources"),
        (({**ITEMS, "Action": "dynamodb:*"}, {**LINES, "Action": "logs:*"}), "Name the actions"),
        ((ITEMS,), "the log is not"),
        ((LINES,), "the table is out of reach"),
    ],
)
def test_a_right_too_many_or_too_few_is_told_apart(statements, idea):
    verdict = rights_verdict(*statements)
    assert verdict.outcome == "wrong"
    assert idea in verdict.idea


def test_what_is_no_policy_is_said_in_words():
    verdict = judge(registry.find("04.2"), keeping.rights({"Statement": [{"Effect": "Maybe"}]}))
    assert verdict.outcome == "unusable"
    assert "Effect must be 'Allow' or 'Deny'" in verdict.said


def moved_verdict(runtime, code):
    return judge(registry.find("04.3"), keeping.moved(runtime, code, "stamp", boto3.client("lambda")))


@pytest.mark.thorough
def test_a_function_is_moved_for_real(built):
    lam, role = boto3.client("lambda"), boto3.client("iam").get_role(RoleName="shop-function")["Role"]["Arn"]
    assert "cannot import name 'Mapping'" in keeping.ship_old(lam, "stamp", OLD, role, "python3.9")
    assert moved_verdict("python3.13", NEW).outcome == "right"
    assert lam.get_function_configuration(FunctionName="stamp")["Runtime"] == "python3.13"


@pytest.mark.thorough
def test_moves_that_do_not_last_or_do_not_run_are_told_apart(built):
    lam, role = boto3.client("lambda"), boto3.client("iam").get_role(RoleName="shop-function")["Role"]["Arn"]
    keeping.ship_old(lam, "stamp", OLD, role, "python3.9")
    assert "no patches any more" in moved_verdict("python3.9", NEW).idea
    assert "which runtime lasts longer" in moved_verdict("python3.11", NEW).idea
    assert "Mapping" in moved_verdict("python3.13", OLD).said
    assert "no runtime 'python4'" in moved_verdict("python4", NEW).said


def test_dots_are_no_answer_yet():
    for id, answer in {
        "04.2": keeping.rights(...),
        "04.1": keeping.group_with(..., "any", None, None),
        "04.3": keeping.moved(..., ..., "any", None),
    }.items():
        assert judge(registry.find(id), answer).outcome == "unanswered"
