"""Which service may use which resource, and which log messages a subscription wants."""

from __future__ import annotations

import pytest

from helpers.cloud.events.patterns import matches
from helpers.cloud.events.permissions import allows

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
ASKED = {
    "service": "s3.amazonaws.com",
    "action": "lambda:InvokeFunction",
    "resource": FUNCTION,
    "source_arn": "arn:aws:s3:::photos",
    "account": "123456789012",
}
ALLOWED = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction"}


def one(**changes: object) -> list[dict]:
    return [ALLOWED | changes]


@pytest.mark.parametrize(
    "statements",
    [
        one(),
        one(Resource=FUNCTION),
        one(Resource="arn:aws:lambda:*:*:function:*", Action=["lambda:*"]),
        one(Principal="*"),
        one(Principal={"AWS": "*"}),
        one(Principal={"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}),
        one(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:*:*:photos"}}),
        one(Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::photos"}}),
        one(Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}}),
        one(Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}),
    ],
)
def test_a_statement_that_fits_allows(statements: list[dict]) -> None:
    assert allows(statements, **ASKED)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        one(Effect="Deny"),
        one(Principal={"Service": "sns.amazonaws.com"}),
        one(Principal={"AWS": "arn:aws:iam::123456789012:root"}),
        one(Action="lambda:GetFunction"),
        one(Resource=f"{FUNCTION}:prod"),
        one(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::other"}}),
        one(Condition={"StringEquals": {"AWS:SourceAccount": "210987654321"}}),
        one(Condition={"StringEquals": {"AWS:SourceOwner": "123456789012"}}),
        [*one(), ALLOWED | {"Effect": "Deny", "Condition": {"ArnLike": {"AWS:SourceArn": "*"}}}],
    ],
)
def test_a_statement_that_does_not_fit_or_denies_does_not_allow(statements: list[dict]) -> None:
    assert not allows(statements, **ASKED)


@pytest.mark.parametrize(
    ("pattern", "message", "fits"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR", True),
        ("ERROR", "an error", False),
        ("ERROR order", "order ERROR", True),
        ("ERROR order", "ERROR", False),
        ('"no such order"', "no such order: 7", True),
        ('"no such order"', "no such big order", False),
        ("ERROR -Exiting", "ERROR Exiting", False),
        ("?ERROR ?WARN", "WARN", True),
        ("?ERROR ?WARN", "INFO", False),
        ('{ $.level = "ERROR" }', '{"level": "ERROR"}', True),
        ('{ $.level = "ERR*" }', '{"level": "ERROR"}', True),
        ('{ $.level != "INFO" }', '{"level": "INFO"}', False),
        ("{ $.request.ms >= 100 }", '{"request": {"ms": 100}}', True),
        ("{ $.items[0].n = 2 }", '{"items": [{"n": 1}]}', False),
        ("{ ($.a = 1) || ($.b = 1) }", '{"a": 0, "b": 1}', True),
        ("{ $.cold = true }", '{"cold": true}', True),
        ("{ $.a = 1 }", "a = 1", False),
        ("{ $.a = 1 }", '{"b": 1}', False),
        ("[ip, user, status=404]", "a form that is not understood lets all pass", True),
    ],
)
def test_a_filter_pattern_fits_as_cloudwatch_describes_it(pattern: str, message: str, fits: bool) -> None:
    assert matches(pattern, message) is fits
