"""The exercises of notebook 09: pieces of a job, a break-even with people, a counter, rules, what holds data."""

import math

from helpers.learn.edges import ALL, SOME, TOO_MANY
from helpers.learn.exercise import Exercise, Slip
from helpers.portability.resources import fate_of
from helpers.pricing.steady import Steady, break_even_per_s
from helpers.tables import limit

# 09.1: a model is loaded at the beginning of each piece.
WORK_MIN, LOADING_MIN = 600, 2

# 09.5: what the template of a picture shop holds.
TYPES = (
    "AWS::Lambda::Function",
    "AWS::DynamoDB::Table",
    "AWS::Lambda::Permission",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Cognito::UserPool",
    "AWS::IAM::Role",
    "AWS::Events::Rule",
)


def pieces(*, loading_min: float = LOADING_MIN, rounding=math.ceil) -> int:
    """Return the fewest pieces that each end in time."""
    return rounding(WORK_MIN / (limit("lambda.timeout").max / 60 - loading_min))


def line(**assumed: object) -> float:
    """Return the requests a second above which the shop's fleet is cheaper."""
    known = {"fleet": "EC2 committed", "people_hours": 20} | assumed
    return float(break_even_per_s(Steady(**known), duration_ms=40, memory_mb=1024))


def cents(size: str, copies: int, *, from_copies: int = 10, percent: int = 85) -> int:
    """Return what an order costs."""
    full = {"small": 1200, "large": 2000}[size] * copies
    return full * percent // 100 if copies >= from_copies else full


def held(verdict: str) -> set[str]:
    """Return the types of one fate."""
    return {kind for kind in TYPES if fate_of(kind).verdict == verdict}


EXERCISES = (
    Exercise(
        id="09.1",
        minutes=3,
        title="Ten hours of video",
        target="a whole number: the fewest pieces that each end within Lambda's limit",
        kind="number",
        expected=pieces,
        tolerance=0,
        unit="pieces",
        slips=(
            Slip(lambda: pieces(loading_min=0), "Each piece loads the model first. What is left of its time?"),
            Slip(lambda: pieces(rounding=math.floor), "So few are a little too long: which way does one round?"),
            Slip(lambda: math.ceil((WORK_MIN + LOADING_MIN) / 15), "The model is loaded in every piece, not once."),
        ),
        idea="section 1: a piece has to end within the limit, with all that it does",
        hints=(
            "tables.limit('lambda.timeout').max is in seconds.",
            "Each piece has the limit less two minutes for its share of the 600 minutes.",
        ),
        shows="Loading costs 94 minutes in all: smaller pieces fail cheaper and waste more.",
    ),
    Exercise(
        id="09.2",
        minutes=4,
        title="The shop's own line",
        target="requests a second, to within one",
        kind="number",
        expected=line,
        tolerance=1,
        unit="requests a second",
        slips=(
            Slip(lambda: line(people_hours=0), "Twenty hours of people belong to the fleet: people_hours."),
            Slip(lambda: line(fleet="EC2 on demand"), "The shop commits itself for a year: which fleet is that?"),
            Slip(lambda: line(people_hours=20 * 12), "Hours a month, not a year."),
        ),
        idea="section 2: Steady holds what is assumed, break_even_per_s gives the line",
        hints=(
            "Steady(fleet=..., people_hours=...); the rest stays as it is.",
            "break_even_per_s(assumed, duration_ms=40, memory_mb=1024)",
        ),
        shows="Twenty hours of work a month outweigh the servers: what people do decides, and no price list has it.",
    ),
    Exercise(
        id="09.3",
        minutes=6,
        title="Every like counts",
        target="code that counts every like although four callers come at once",
        kind="function",
        expected=lambda likes: ALL,
        cases=({"likes": 24},),
        slips=(
            Slip(lambda likes: SOME, "Between your reading and your writing somebody else has written. Who could add?"),
            Slip(lambda likes: TOO_MANY, "A like is counted again although it had been taken: what is tried twice?"),
        ),
        idea="section 4: let the table add, or write on a condition and try again",
        hints=(
            "UpdateExpression='ADD likes :one' lets DynamoDB read and write in one step.",
            "table.update_item(Key={'id': ...}, UpdateExpression=..., ExpressionAttributeValues={':one': 1})",
        ),
        shows="The store adds, so there is no moment between reading and writing in which a like can be lost.",
    ),
    Exercise(
        id="09.4",
        minutes=4,
        title="Take AWS out",
        target="the text of a module with cents(size, copies), in which no line is AWS's",
        kind="function",
        expected=cents,
        tolerance=0,
        cases=(
            {"size": "small", "copies": 1},
            {"size": "large", "copies": 9},
            {"size": "large", "copies": 10},
            {"size": "small", "copies": 33},
        ),
        slips=(
            Slip(lambda size, copies: cents(size, copies, percent=100), "From ten copies on there is a discount."),
            Slip(lambda size, copies: cents(size, copies, from_copies=11), "Does the tenth copy count?"),
        ),
        idea="section 5: the rules take plain values and give plain values",
        hints=(
            "Everything that is not event, table or statusCode can stay as it is.",
            "def cents(size, copies): a dictionary, a product, and the 85% from ten on.",
        ),
        shows="Five lines that run anywhere, and can be tested without a cloud.",
    ),
    Exercise(
        id="09.5",
        minutes=2,
        title="What holds data",
        target="a set of types of resources, copied from the list",
        kind="choice",
        choices=TYPES,
        expected=lambda: held("carry over"),
        slips=(
            Slip(lambda: held("carry over") - {"AWS::Cognito::UserPool"}, "Who keeps the users, and their passwords?"),
            Slip(lambda: held("carry over") | {"AWS::SQS::Queue"}, "What is in a queue is gone when it is empty."),
        ),
        idea="section 5: the verdict 'carry over'",
        hints=("Which of them would you have to copy something out of?", "moves(...) has a column verdict."),
        shows="Code moves in an afternoon. Data moves when everybody can wait, and pays for the way out.",
    ),
)
