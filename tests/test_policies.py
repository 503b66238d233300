"""What a policy allows: AWS's documented rules and examples, and moto's own evaluation as a second opinion."""

import itertools
import json

import pytest

from helpers.policies import allows, evaluate

PHOTO = "arn:aws:s3:::photos/2026/noon.jpg"


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(effect="Allow", **elements):
    return {"Effect": effect, **({"Resource": "*"} | elements)}


# The example of AWS's page on explicit and implicit denial: reading IAM is allowed, reports are not.
READ_NO_REPORTS = policy(statement(Action=["iam:Get*", "iam:List*"]), statement("Deny", Action="iam:*Report"))


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("iam:GetUser", "allowed"),
        ("iam:ListRoles", "allowed"),
        ("iam:CreatePolicy", "implicitly denied"),
        ("iam:GetOrganizationsAccessReport", "explicitly denied"),
        ("iam:GenerateCredentialReport", "explicitly denied"),
    ],
)
def test_awss_own_example_comes_out_as_aws_says(action, said):
    assert evaluate(READ_NO_REPORTS, action=action, resource="*") == said


def test_a_denial_wins_in_whatever_order():
    both = statement(Action="s3:*"), statement("Deny", Action="s3:GetObject")
    for order in itertools.permutations(both):
        assert evaluate(policy(*order), action="s3:GetObject", resource=PHOTO) == "explicitly denied"


def test_actions_are_compared_without_case_and_resources_with_it():
    one = policy(statement(Action="S3:getobject", Resource="arn:aws:s3:::photos/*"))
    assert allows(one, action="s3:GetObject", resource=PHOTO)
    assert not allows(one, action="s3:GetObject", resource=PHOTO.replace("photos", "Photos"))


def test_a_star_stands_for_slashes_too_and_a_question_mark_for_one_character():
    assert allows(policy(statement(Action="s3:GetObject", Resource="arn:aws:s3:::photos/*.jpg")), **_get())
    assert allows(policy(statement(Action="s3:GetObject", Resource="arn:aws:s3:::photos/202?/*")), **_get())
    assert not allows(policy(statement(Action="s3:GetObject", Resource="arn:aws:s3:::photos?/*")), **_get())


def test_other_characters_of_a_pattern_stand_for_themselves():
    dotted = policy(statement(Action="s3:GetObject", Resource="arn:aws:s3:::photos/2026/noon.jpg"))
    assert allows(dotted, **_get())
    assert not allows(dotted, action="s3:GetObject", resource=PHOTO.replace(".jpg", "_jpg"))


def test_what_is_not_named_is_what_not_action_and_not_resource_mean():
    all_but = policy(statement(NotAction="iam:*"))
    assert allows(all_but, **_get())
    assert not allows(all_but, action="iam:GetUser", resource="*")
    elsewhere = policy({"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::photos/*"})
    assert evaluate(elsewhere, action="s3:GetObject", resource="arn:aws:s3:::other/x") == "explicitly denied"
    assert evaluate(elsewhere, **_get()) == "implicitly denied"


def test_one_statement_needs_no_list_and_json_is_read():
    text = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'
    assert allows(text, **_get())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("{", "must be JSON"),
        ({"Version": "2012-10-17"}, "Version and Statement"),
        (policy(statement("allow", Action="s3:*")), "Effect must be"),
        (policy(statement(Action="s3:*", Condition={})), "Condition can't be judged"),
        (policy({"Effect": "Allow", "Resource": "*"}), "either Action or NotAction"),
        (policy(statement(Action="GetObject")), "Action must be '\\*' or like"),
    ],
)
def test_what_is_no_policy_is_refused_in_words(wrong, told):
    with pytest.raises(ValueError, match=told):
        evaluate(wrong, **_get())


def test_a_question_mark_in_an_action_stands_for_one_character():
    one = policy(statement(Action="s3:?etObject"))
    assert allows(one, action="s3:GetObject", resource="*")
    assert not allows(one, action="s3:ForgetObject", resource="*")


@pytest.mark.thorough
def test_moto_which_enforces_policies_on_its_own_agrees():
    access_control = pytest.importorskip("moto.iam.access_control")
    patterns = ["*", "s3:*", "s3:Get*", "s3:PutObject"]  # moto doesn't read AWS's ? for one character
    actions = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]
    for allowed, denied, action in itertools.product(patterns, patterns, actions):
        one = policy(statement(Action=allowed), statement("Deny", Action=denied))
        theirs = access_control.IAMPolicy(json.dumps(one)).is_action_permitted(action, "*")
        assert (theirs == access_control.PermissionResult.PERMITTED) == allows(one, action=action, resource="*")


def _get():
    return {"action": "s3:GetObject", "resource": PHOTO}
