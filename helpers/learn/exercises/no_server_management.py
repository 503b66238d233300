"""The exercises of notebook 04: a health check that asks the wrong one, least privilege, a runtime that has ended."""

from helpers.learn.exercise import Exercise, Slip
from helpers.learn.keeping import ANSWER, DEAD, HANGS, KEPT, LATE, LOOP, NEVER, PATCHES, REPLACED, SLOW, STAGE

TABLES = "arn:aws:dynamodb:us-east-1:123456789012:table/"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/"
OWN_LOG = f"{LOGS}likes:log-stream:2026/11/25"
JOB = (
    ("dynamodb:GetItem", f"{TABLES}pictures"),
    ("dynamodb:UpdateItem", f"{TABLES}pictures"),
    ("logs:CreateLogStream", OWN_LOG),
    ("logs:PutLogEvents", OWN_LOG),
)
NOT_ITS_JOB = (
    ("dynamodb:DeleteTable", f"{TABLES}pictures"),
    ("dynamodb:Scan", f"{TABLES}pictures"),
    ("dynamodb:GetItem", f"{TABLES}customers"),
    ("dynamodb:UpdateItem", f"{TABLES}pictures-archive"),
    ("logs:PutLogEvents", f"{LOGS}payments:log-stream:2026/11/25"),
    ("logs:DeleteLogGroup", f"{LOGS}likes"),
    ("s3:GetObject", "arn:aws:s3:::shop-uploads/noon.jpg"),
    ("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/ada"),
)


def wanted(action: str, resource: str) -> str:
    """Return what a policy for the job says to a request."""
    return "allowed" if (action, resource) in JOB else "denied"


def _any_action(action: str, resource: str) -> str:
    right_place = resource in (f"{TABLES}pictures", OWN_LOG)
    return "allowed" if right_place else "denied"


def _any_resource(action: str, resource: str) -> str:
    return "allowed" if action in {each for each, _ in JOB} else "denied"


def _moved(stage: str, patches: str, answer: object) -> dict[str, object]:
    return {STAGE: stage, PATCHES: patches, ANSWER: answer}


FARES = _moved("supported", "two years or more", {"kind": "a record", "picture": "noon"})

EXERCISES = (
    Exercise(
        id="04.1",
        minutes=4,
        title="The machine that nobody replaces",
        target="HealthCheckType and HealthCheckGracePeriod of the group: a machine that starts in 150 s is kept, one "
        "that hangs is replaced, and one that never starts is replaced within five minutes",
        kind="function",
        expected=lambda machine: {SLOW: KEPT, HANGS: REPLACED, DEAD: REPLACED}[machine],
        cases=({"machine": SLOW}, {"machine": HANGS}, {"machine": DEAD}),
        slips=(
            Slip(
                lambda machine: {SLOW: KEPT, HANGS: NEVER, DEAD: NEVER}[machine],
                "The group asks only whether the machine runs. A hung service runs on a healthy machine.",
            ),
            Slip(
                lambda machine: {SLOW: LOOP, HANGS: REPLACED, DEAD: REPLACED}[machine],
                "A new machine is judged before it is ready: how long does it have to be left alone?",
            ),
            Slip(
                lambda machine: {SLOW: KEPT, HANGS: REPLACED, DEAD: LATE}[machine],
                "So much grace hides a release that never comes up.",
            ),
        ),
        idea="section 2: who is asked whether a machine is well, and from when on",
        hints=(
            'The load balancer knows whether the service answers: HealthCheckType="ELB".',
            "A start, and two checks at ten seconds that have to succeed: a bit more grace than that.",
        ),
        shows="Two numbers that nobody has to know who ships a function. Here they decide over a night's sleep.",
    ),
    Exercise(
        id="04.2",
        minutes=5,
        title="Four rights and no more",
        target="a policy that lets the function read and update items of one table and write into its own log, and "
        "denies the eight other requests that we try",
        kind="function",
        expected=wanted,
        cases=tuple({"action": action, "resource": resource} for action, resource in (*JOB, *NOT_ITS_JOB)),
        slips=(
            Slip(lambda action, resource: "allowed", "Everything is allowed: so it is for whoever breaks in."),
            Slip(_any_resource, "The actions are the right ones, on every table and every log. Name the resources."),
            Slip(_any_action, "The resources are the right ones, with every action on them. Name the actions."),
            Slip(
                lambda action, resource: "allowed" if (action, resource) in JOB[:2] else "denied",
                "The table is reached, the log is not: who will know why a call failed?",
            ),
            Slip(
                lambda action, resource: "allowed" if (action, resource) in JOB[2:] else "denied",
                "The log is written, the table is out of reach: whose likes will it count?",
            ),
            Slip(lambda action, resource: "denied", "Nothing is allowed: a policy begins there, and then allows."),
        ),
        idea="section 5: a statement names actions and the resources they may touch",
        hints=(
            "Two statements: one for the table, one for the log.",
            "The table's ARN ends in table/pictures. A log's ARN goes on after the group's name, so its pattern "
            "ends in :*.",
        ),
        shows="If this function is broken into, its pictures can be liked. Nothing else in the account is at stake.",
    ),
    Exercise(
        id="04.3",
        minutes=5,
        title="A runtime that has ended",
        target="a runtime with two years of patches or more, counted from 2026-11-25, and code that runs on it",
        kind="function",
        expected=lambda asked: FARES[asked],
        cases=({"asked": STAGE}, {"asked": PATCHES}, {"asked": ANSWER}),
        slips=(
            Slip(
                lambda asked: _moved("no patches", "none", FARES[ANSWER])[asked],
                "The code runs, and its runtime gets no patches any more. Look for a later one.",
            ),
            Slip(
                lambda asked: _moved("supported", "less than two years", FARES[ANSWER])[asked],
                "That holds for a while, and then you do this again: which runtime lasts longer?",
            ),
            Slip(
                lambda asked: _moved("preview", "none", FARES[ANSWER])[asked],
                "A preview comes without a promise. Take one that is generally available.",
            ),
        ),
        idea="section 5: tables.runtimes() has the dates, and What's New in Python what was removed",
        hints=(
            "Mapping moved to collections.abc in Python 3.3; the old name went away in 3.10.",
            'tables.runtimes().query("family == \'Python\'")["deprecated"] says how long each lasts.',
        ),
        shows="AWS installs every patch, and never a new major version. That upgrade is yours, with its errors.",
    ),
)
