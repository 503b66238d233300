"""What a build leaves to look after: counted from calls, through tables with reason and source."""

import pandas as pd
import pytest

from helpers import tables, upkeep


def calls(*rows):
    """Return a recorded build of (service, operation) or (service, operation, error); each decides two values."""
    full = [(*row, "")[:3] for row in rows]
    frame = pd.DataFrame(full, columns=["service", "operation", "error"])
    return frame.assign(decided=2, reads=frame["operation"].str.startswith("Describe"))


FUNCTION = calls(("iam", "CreateRole"), ("iam", "PutRolePolicy"), ("lambda", "CreateFunction"))


def test_only_what_a_call_brings_into_being_is_a_resource():
    assert upkeep.created(FUNCTION).to_dict() == {"Role": 1, "Function": 1}


def test_a_call_that_was_refused_has_created_nothing():
    assert upkeep.created(calls(("iam", "CreateRole", "EntityAlreadyExists"))).empty


def test_two_of_a_kind_are_two_resources_and_one_set_of_concerns():
    twice = calls(("iam", "CreateRole"), ("iam", "CreateRole"))
    assert upkeep.created(twice)["Role"] == 2
    assert len(upkeep.concerns(twice)) == len(upkeep.concerns(twice.head(1))) > 0


def test_calls_that_only_look_are_not_counted():
    looking = pd.concat([FUNCTION, calls(("ec2", "DescribeVpcs"))])
    counted = upkeep.counted({"function": FUNCTION, "and looking": looking})
    assert counted["function"].tolist() == counted["and looking"].tolist()
    assert counted.loc["calls", "function"] == 3
    assert counted.loc["parameters decided", "function"] == 6


def test_concerns_come_with_reason_and_source_in_the_order_of_the_build():
    found = upkeep.concerns(FUNCTION)
    assert list(dict.fromkeys(found["resource"])) == ["Role", "Function"]
    assert found["why"].str.len().min() > 0
    assert found["source"].str.contains("https://").all()
    with pytest.raises(ValueError, match="kind must be"):
        upkeep.concerns(FUNCTION, "to paint")


def test_every_resource_with_a_concern_is_one_that_some_call_creates():
    assert set(tables.load("stack_concerns")["resource"]) <= set(tables.load("stack_operations")["resource"])


def test_nothing_is_listed_twice():
    assert not tables.load("stack_concerns").duplicated(["resource", "what"]).any()
