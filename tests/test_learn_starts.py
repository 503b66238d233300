"""A learner's function is started in turns with the one it replaces: the same answers, and half the time."""

import pytest

pytest.importorskip("moto")

from helpers.cloud import LocalCloud
from helpers.learn.registry import find
from helpers.learn.starts import HALF, LONG, MOVED, started_in_turns
from helpers.learn.trials import TrialFailed
from helpers.learn.verdict import judge

# A heavy import, as a pause: this is about the comparison.
HANDLER = "\n\ndef handler(event, context):\n    {}\n    return event['n'] + 1\n"
SLOW = "import time\n\ntime.sleep(0.6)" + HANDLER.format("pass")
FAST = "import time" + HANDLER.format("pass")
LATER = "import time" + HANDLER.format("time.sleep(0.6)")
WRONG = "def handler(event, context):\n    return 2\n"
BROKEN = "import no_such_module" + HANDLER.format("pass")
EVENTS = ({"n": 1}, {"n": 2})


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud() as running:
        yield running


@pytest.mark.thorough
@pytest.mark.parametrize(("code", "said"), [(FAST, HALF), (LATER, MOVED), (SLOW, LONG)])
def test_a_start_is_compared_with_the_one_before(cloud, code, said):
    assert started_in_turns(code, SLOW, cloud, EVENTS)(repetitions=3) == said


@pytest.mark.parametrize(
    ("code", "words"), [(WRONG, "it answers 2, and should 3"), (BROKEN, "No module named 'no_such_module'")]
)
def test_code_that_answers_wrongly_or_fails_is_not_measured(cloud, code, words):
    with pytest.raises(TrialFailed, match=words):
        started_in_turns(code, SLOW, cloud, EVENTS)(repetitions=1)


@pytest.mark.thorough
def test_the_check_accepts_half_and_tells_a_moved_import_from_one_that_is_still_there(cloud):
    exercise = find("08.1")
    verdicts = [judge(exercise, started_in_turns(code, SLOW, cloud, EVENTS)) for code in (FAST, LATER, SLOW)]
    assert [verdict.outcome for verdict in verdicts] == ["right", "wrong", "wrong"]
    assert "moved into the handler" in verdicts[1].idea
    assert "icicle" in verdicts[2].idea


def test_dots_are_no_answer_yet(cloud):
    assert judge(find("08.1"), started_in_turns(..., SLOW, cloud, EVENTS)).outcome == "unanswered"
