"""The exercises of notebook 07: an API's gaps, events that come twice, doors for webhooks and people, a schedule."""

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from helpers.learn.exercise import Exercise, Slip
from helpers.learn.workloads import CONFIRMED, CONSTANT, EARLY, NO_ORDER, REFUSED, UNREADABLE, WAITS

ASKED = ("GET /pictures/noon", "GET /pictures/midnight", "GET /somewhere")
# A picture is uploaded, its event comes twice, another picture, and the first one again in a new version.
DELIVERIES = (("uploads/noon.jpg", 1), ("uploads/noon.jpg", 1), ("uploads/evening.jpg", 1), ("uploads/noon.jpg", 2))
ORDERS = ("noon", "evening", NO_ORDER, "night", "dawn")
LETTERS = ("genuine", "forged", "stale", "unsigned")

NEWCOMERS = (
    "ada@shop.example",
    "Kim@Shop.Example",
    "ben@home.example",
    "eve@workshop.example",
    "mal@throwaway.example",
)


def counted(deliveries: Sequence[tuple[str, int]]) -> list[int]:
    """Return the count after each delivery when each upload counts once."""
    return [len(set(deliveries[: n + 1])) for n in range(len(deliveries))]


def fates(orders: Sequence[str]) -> list[str]:
    """Return what has to become of each order."""
    return ["again" if one == NO_ORDER else "done" for one in orders]


def let_in(letters: Sequence[str]) -> list[str]:
    """Return what has to become of each letter."""
    return [*("let in" if one == "genuine" else "refused" for one in letters), CONSTANT]


def welcomed(newcomers: Sequence[str]) -> list[str]:
    """Return what has to become of each sign-up."""
    kinds = {"shop.example": CONFIRMED, "throwaway.example": REFUSED}
    return [kinds.get(email.rpartition("@")[2].lower(), WAITS) for email in newcomers]


def at_six(year: int, days: Callable[[int, int], Sequence[int]], zone: str = "Europe/Vienna") -> list[str]:
    """Return 18:00 by a zone's clocks on some days of each month, in UTC."""
    local = [
        datetime(year, month, day, 18, tzinfo=ZoneInfo(zone)) for month in range(1, 13) for day in days(year, month)
    ]
    return [f"{one.astimezone(UTC):%Y-%m-%d %H:%M}" for one in local]


def every(weekday: int) -> Callable[[int, int], list[int]]:
    """Return what lists the days of a month that fall on a day of the week; 1 is Monday."""
    return lambda year, month: [
        day for day in range(1, monthrange(year, month)[1] + 1) if date(year, month, day).isoweekday() == weekday
    ]


def last(weekday: int) -> Callable[[int, int], list[int]]:
    """Return what finds the last of those days."""
    return lambda year, month: every(weekday)(year, month)[-1:]


EXERCISES = (
    Exercise(
        id="07.1",
        minutes=4,
        title="What is not there",
        target="code that answers three requests at a real URL: a picture that exists, one that doesn't, and a path "
        "that is no route",
        kind="function",
        expected=lambda asked: [200, 404, 404],
        cases=({"asked": ASKED},),
        slips=(
            Slip(lambda asked: [200, 502, 404], "A missing picture still breaks the function: who catches a KeyError?"),
            Slip(
                lambda asked: [200, 500, 404],
                "500 says that we failed. The caller asked for something that isn't there: which number says that?",
            ),
            Slip(
                lambda asked: [200, 200, 404],
                "An apology with status 200 is a success: programs read the number and not the text.",
            ),
        ),
        idea="section 1: a status for each outcome, and NotFoundError of Powertools",
        hints=(
            "Which line fails when there is no such name, and what would .get(name) give?",
            "from aws_lambda_powertools.event_handler.exceptions import NotFoundError, then raise NotFoundError(name).",
        ),
        shows="Whoever asks for what isn't there learns so, and your log stays free of errors that are none.",
    ),
    Exercise(
        id="07.2",
        minutes=6,
        title="Once is enough",
        target="code that counts an upload once however often its event comes, and a new version of a picture again",
        kind="function",
        expected=counted,
        cases=({"deliveries": DELIVERIES},),
        slips=(
            Slip(
                lambda deliveries: list(range(1, len(deliveries) + 1)),
                "Every delivery is counted: what could the function remember, and where, to know an event again?",
            ),
            Slip(
                lambda deliveries: [len({key for key, _ in deliveries[: n + 1]}) for n in range(len(deliveries))],
                "A new version of a picture is an upload of its own. What in the record tells it from a duplicate?",
            ),
            Slip(
                lambda deliveries: [0] * len(deliveries),
                "Nothing is counted, or not under the bucket's name: the id in counts stays as it was.",
            ),
        ),
        idea="section 2: remember what was done, by a name that a duplicate shares and nothing else does",
        hints=(
            "record['s3']['object'] has a key and a sequencer; both together name one upload.",
            "Put that name into the table seen before counting, with "
            "ConditionExpression='attribute_not_exists(id)', and skip what is there already.",
            "The refusal is seen.meta.client.exceptions.ConditionalCheckFailedException.",
        ),
        shows="At least once, made exactly once where it counts: by a name for each upload, and a table that refuses "
        "to take it twice.",
    ),
    Exercise(
        id="07.3",
        minutes=6,
        title="Four letters",
        target="code that lets in the genuine webhook and refuses the forged, the stale and the unsigned one with a "
        "status from 400 to 499, comparing in constant time",
        kind="function",
        expected=let_in,
        cases=({"letters": LETTERS},),
        slips=(
            Slip(
                lambda letters: ["let in", "refused", "refused", "refused", EARLY],
                "All four are decided rightly. But == stops at the first letter that differs, and time tells which.",
            ),
            Slip(
                lambda letters: ["let in", "refused", "let in", "refused", CONSTANT],
                "An hour old, and let in: the header says when it was signed.",
            ),
            Slip(
                lambda letters: ["let in", "refused", "let in", "failed with 502", EARLY],
                "That is the code as it was: it has three faults. Begin with the header that may be missing.",
            ),
            Slip(
                lambda letters: ["let in", "refused", "refused", "failed with 502", CONSTANT],
                "No signature at all is the simplest forgery: it should be refused, and it breaks the function.",
            ),
            Slip(
                lambda letters: ["refused"] * 4 + [CONSTANT],
                "Nobody gets in, the genuine one included: is the text that you sign t, a dot and the body?",
            ),
        ),
        idea="section 3: what Stripe signs, and how two signatures are compared",
        hints=(
            "event['headers'].get('stripe-signature', '') never fails; dict(...) of nothing has no t and no v1.",
            "Compare time.time() with int(told['t']), and refuse what is more than 300 s away.",
            "hmac.compare_digest(told['v1'], wanted) instead of ==.",
        ),
        shows="Genuine, fresh, and compared without giving anything away: what every webhook's door has to check.",
    ),
    Exercise(
        id="07.4",
        minutes=5,
        title="The last Friday",
        target="two texts, an expression and a time zone: 18:00 by Vienna's clocks on the last Friday of each month",
        kind="function",
        expected=lambda year: at_six(year, last(5)),
        cases=({"year": 2027},),
        slips=(
            Slip(
                lambda year: at_six(year, last(4)),
                "These are Thursdays. cron on a Unix machine has Friday as 5; from which day does AWS count, and from "
                "which number?",
            ),
            Slip(
                lambda year: at_six(year, last(5), "UTC"),
                "The days are right, and the mail leaves at seven or eight by Vienna's clocks.",
            ),
            Slip(lambda year: at_six(year, every(5)), "That is every Friday: which letter stands for the last?"),
            Slip(
                lambda year: at_six(year, lambda y, m: [monthrange(y, m)[1]]),
                "That is the last day of the month, whatever day of the week it is.",
            ),
            Slip(
                lambda year: at_six(year, lambda y, m: every(5)(y, m)[3:4]),
                "That is the fourth Friday. Some months have five.",
            ),
        ),
        idea="section 4: the six fields, and which of the two days is ?",
        hints=(
            "The day of the month is ?, since the day of the week decides.",
            "AWS's week begins with Sunday as 1; L behind a day of the week makes it the last one of the month.",
        ),
        shows="Twelve mails a year, at six in the evening in summer and winter, and no server that knows the calendar.",
    ),
    Exercise(
        id="07.5",
        minutes=5,
        title="Only what failed",
        target="code that prints the orders of a batch and answers with the messages that failed, and with no others",
        kind="function",
        expected=fates,
        cases=({"orders": ORDERS},),
        slips=(
            Slip(
                lambda orders: ["done, and again"] * 2 + ["again"] * 3,
                "The batch ends with the exception, and all five come again. Which line has to stand in a try?",
            ),
            Slip(
                lambda orders: ["done, and again" if one != NO_ORDER else "again" for one in orders],
                "All are tried, and all come again: an id that the batch doesn't have, or an answer of another form, "
                "fails the whole of it. The id is record['messageId'].",
            ),
            Slip(
                lambda orders: ["done" if one != NO_ORDER else "lost" for one in orders],
                "The bad one is passed over and deleted: who hears of it? Answer with its messageId.",
            ),
            Slip(
                lambda orders: ["done", "done", "again", "lost", "lost"],
                "After the first failure nothing more is printed, and nobody reports the last two: they are deleted.",
            ),
        ),
        idea="section 5: a partial batch response names the messages that come again",
        hints=(
            "failed = [] before the loop; try and except around what is done with one record.",
            "failed.append({'itemIdentifier': record['messageId']})",
            "return {'batchItemFailures': failed}, also when nothing failed.",
        ),
        shows="One bad message costs its own attempts and nobody else's: four orders are printed once.",
    ),
    Exercise(
        id="07.6",
        minutes=5,
        title="A shard that goes on",
        target="settings of a mapping with which seven of eight records are handled and only the bad one is given up, "
        "though the function only says that something failed",
        kind="function",
        expected=lambda records, bad: [records - 1, 1],
        cases=({"records": 8, "bad": 5},),
        slips=(
            Slip(
                lambda records, bad: [0, 0],
                "Nothing ends it: by default a batch is tried until its records expire, a day later, and the shard "
                "waits as long. What limits the attempts?",
            ),
            Slip(
                lambda records, bad: [0, records],
                "The bad record took the whole batch with it. How could Lambda find out which half it is in?",
            ),
        ),
        idea="section 5: limits on attempts and age, and halves",
        hints=(
            "MaximumRetryAttempts, a number from 0 on, or MaximumRecordAgeInSeconds, from 60 on, ends the waiting.",
            "BisectBatchOnFunctionError=True: after a failure each half is tried for itself.",
        ),
        shows="Halving finds the bad record in a few steps, and the limit lets the shard go on. BatchSize=1 finds it "
        "as well, and pays with an invocation for each record.",
    ),
    Exercise(
        id="07.7",
        minutes=5,
        title="Who is staff?",
        target="code that confirms the two at shop.example, refuses the one at throwaway.example by an exception, and "
        "lets the other two wait for a code",
        kind="function",
        expected=welcomed,
        cases=({"newcomers": NEWCOMERS},),
        slips=(
            Slip(
                lambda newcomers: [CONFIRMED, WAITS, WAITS, CONFIRMED, UNREADABLE],
                "That is the gate as it was. Begin with eve@workshop.example: her address ends as staff's do.",
            ),
            Slip(
                lambda newcomers: [CONFIRMED, CONFIRMED, WAITS, CONFIRMED, REFUSED],
                "workshop.example ends with shop.example, and its Eve is staff now. What is the whole domain?",
            ),
            Slip(
                lambda newcomers: [CONFIRMED, WAITS, WAITS, WAITS, REFUSED],
                "Kim writes her address with capitals, and isn't recognised: domains know no upper case.",
            ),
            Slip(
                lambda newcomers: [CONFIRMED, CONFIRMED, WAITS, WAITS, UNREADABLE],
                "None is no refusal, it is an answer that Cognito can't read. What does it take for a refusal?",
            ),
            Slip(
                lambda newcomers: [UNREADABLE] * 4 + [REFUSED],
                "The refusal is right. The others get no event back: handler has to return it.",
            ),
            Slip(
                lambda newcomers: [CONFIRMED, CONFIRMED, WAITS, WAITS, WAITS],
                "Everybody gets in somehow, the throw-away address too: refuse it by raising an exception.",
            ),
        ),
        idea="section 6: what a trigger gives back, and what counts as a refusal",
        hints=(
            "email.rpartition('@')[2].lower() is the whole domain, whatever its capitals.",
            "raise ValueError('...') refuses, and the newcomer reads its text; return event lets in.",
        ),
        shows="A gate compares whole domains, refuses by raising, and gives the event back: a page of code instead of "
        "a service that runs day and night.",
    ),
)
