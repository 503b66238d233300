"""Exercises of notebook 02: learners' code runs on the cloud of the notebook, and the check says what is off."""

import pytest

boto3 = pytest.importorskip("boto3")

from helpers.cloud import LocalCloud  # noqa: E402
from helpers.learn import registry  # noqa: E402
from helpers.learn.trials import answers_of, clients_opened  # noqa: E402
from helpers.learn.verdict import judge  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/shop"
LINK = """
import boto3

OUTSIDE = None


def handler(event, context):
    pictures = boto3.client("s3")
    place = {"Bucket": "shop", "Key": event["picture"]}
    return pictures.generate_presigned_url("get_object", Params=place, ExpiresIn=600)
"""
ALBUM = """
def handler(event, context):
    links = []
    for picture in event["pictures"]:
        links.append("https://pictures.example/" + picture)
    return links
"""


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud() as cloud:
        yield cloud


@pytest.fixture
def lam(cloud):
    """Return a client of the cloud, which has the shop's role."""
    iam = boto3.client("iam")
    if not iam.list_roles()["Roles"]:
        iam.create_role(RoleName="shop", AssumeRolePolicyDocument="{}")
    return boto3.client("lambda")


def link_verdict(code, lam):
    return judge(registry.find("02.1"), clients_opened(code, lam, ROLE))


def album_verdict(code, lam):
    return judge(registry.find("02.2"), answers_of(code, lam, ROLE))


def test_dots_are_no_answer_yet():
    assert link_verdict(..., None).outcome == "unanswered"
    assert album_verdict(..., None).outcome == "unanswered"


def test_one_client_outside_the_handler_is_right(lam):
    kept = LINK.replace("OUTSIDE = None", 'pictures = boto3.client("s3")').replace(
        '    pictures = boto3.client("s3")', ""
    )
    assert link_verdict(kept, lam).outcome == "right"


def test_a_client_of_a_session_that_is_made_when_first_needed_is_right_too(lam):
    lazy = LINK.replace("import boto3", "import boto3\nfrom functools import cache").replace(
        "OUTSIDE = None", '@cache\ndef client():\n    return boto3.session.Session().client("s3")'
    )
    assert link_verdict(lazy.replace('boto3.client("s3")', "client()"), lam).outcome == "right"


def test_a_client_in_the_handler_is_counted_at_each_call(lam):
    verdict = link_verdict(LINK, lam)
    assert verdict.outcome == "wrong"
    assert "5 clients" in verdict.said
    assert "Every invocation" in verdict.idea


def test_a_second_client_beside_the_one_that_is_kept_is_noticed(lam):
    both = LINK.replace("OUTSIDE = None", 'pictures = boto3.client("s3")')
    assert "use the one that is there" in link_verdict(both, lam).idea


def test_an_answer_that_is_no_link_is_refused_in_words(lam):
    verdict = link_verdict("def handler(event, context):\n    return 1\n", lam)
    assert verdict.outcome == "unusable"
    assert "no signed link" in verdict.said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def handler(event, context):\n    return nothing\n", "name 'nothing' is not defined"),
        ("def handler(event, context)\n    return 1\n", "SyntaxError"),
        ("def other(event, context):\n    return 1\n", "handler"),
        ("import sys\nsys.exit(1)\n", "Runtime.ExitError"),
    ],
)
def test_code_that_fails_in_the_cloud_is_quoted_without_a_traceback(code, said, lam):
    verdict = album_verdict(code, lam)
    assert verdict.outcome == "unusable"
    assert said in verdict.said


def test_a_list_inside_the_handler_is_right(lam):
    assert album_verdict(ALBUM, lam).outcome == "right"


def test_a_list_that_outlives_the_call_shows_earlier_callers(lam):
    verdict = album_verdict("links = []\n" + ALBUM.replace("    links = []\n", ""), lam)
    assert verdict.outcome == "wrong"
    assert "earlier callers" in verdict.idea


def test_a_list_that_begins_anew_for_each_picture_loses_some(lam):
    late = ALBUM.replace("    links = []\n", "").replace("]:\n", "]:\n        links = []\n")
    assert "before the loop" in album_verdict(late, lam).idea


def test_what_is_no_text_is_refused_in_words(lam):
    assert "must be a function" in album_verdict(42, lam).said


def test_a_cloud_that_has_stopped_is_named(cloud, lam):
    cloud.stop()
    try:
        assert "the cloud isn't up" in album_verdict(ALBUM, lam).said
    finally:
        cloud.__enter__()
