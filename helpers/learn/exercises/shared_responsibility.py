"""The exercises of notebook 03: tasks sorted by owner, nights counted by way of running, a runtime's last days."""

from datetime import date

from helpers import responsibility, tables
from helpers.learn.exercise import Exercise, Slip

TODAY = date(2026, 11, 23)
TASKS = {
    "reboot": "Guest or node system",
    "openssl": "Packages around the code",
    "node22": "Next major version",
    "copies": "Copies of the application",
    "quota": "Limits, and what is behind",
    "zones": "Spread over the zones",
    "region": "Second Region, retries",
    "disk": "Site and machines",
    "photos": "Access, data, libraries",
    "library": "Access, data, libraries",
}


def yours(way: str) -> set[str]:
    """Return the tasks of the shop that are yours in a way of running."""
    rows = responsibility.refined().droplevel("responsibility")[responsibility.WAYS[way].label]
    return {task for task, part in TASKS.items() if responsibility.split(rows[part])[0] == "You"}


def nights(way: str, *owners: str) -> int:
    """Count the events that have one of these owners."""
    return sum(responsibility.who_acts(each, way).owner in owners for each in responsibility.events())


def days_until(column: str, runtime: str = "nodejs20.x") -> int:
    """Count the days from the notebook's today to one of a runtime's dates."""
    return (tables.runtimes().loc[runtime, column].date() - TODAY).days


EXERCISES = (
    Exercise(
        id="03.1",
        minutes=2,
        title="Sort ten tasks",
        target="a set of names out of the ten: the tasks that stay with the shop",
        kind="choice",
        choices=tuple(TASKS),
        expected=lambda: yours("zip"),
        slips=(
            Slip(lambda: yours("image"), "That is right for a container image. The shop uploads a zip file."),
            Slip(lambda: set(TASKS) - yours("zip"), "These are the ones that AWS takes: turn it around."),
            Slip(lambda: yours("zip") - {"node22"}, "Who can change code that a new major version breaks?"),
            Slip(lambda: yours("zip") - {"quota"}, "AWS adds environments by itself. Up to where?"),
            Slip(lambda: yours("zip") - {"region"}, "Lambda spans the zones of a Region. And if the Region fails?"),
            Slip(lambda: yours("zip") - {"library"}, "What you put into the zip file is yours to renew."),
            Slip(
                lambda: yours("zip") - {"node22", "quota", "region"},
                "The lesson's table says so. Look at the finer one.",
            ),
            Slip(lambda: yours("fargate"), "That is right for containers on Fargate. Look one column further."),
        ),
        idea="section 3: the column for Lambda from a zip file",
        hints=(
            "Look for each task's row in the finer table: a new kernel is in the row of the guest or node system.",
            "Filter that table with owner You, and read the column for Lambda from a zip file.",
        ),
        shows="Half of the ten stay: what knows your code, your data, your limits and your second Region.",
    ),
    Exercise(
        id="03.2",
        minutes=2,
        title="How many nights are yours",
        target="a function that takes a way's id and returns how many of the events have the owner You",
        kind="function",
        expected=lambda way: nights(way, "You"),
        unit="events",
        cases=({"way": "rack"}, {"way": "nodes"}, {"way": "zip"}, {"way": "image"}),
        slips=(
            Slip(
                lambda way: nights(way, "You", "Shared"),
                "A shared event has an owner of its own in the table: leave it.",
            ),
            Slip(lambda way: nights(way, "AWS"), "You count the nights that AWS takes."),
            Slip(lambda way: len(responsibility.events()), "Count an event only if its owner is You."),
        ),
        idea="section 5: who_acts(event, way).owner, for each of responsibility.events()",
        hints=(
            "responsibility.events() gives all events; who_acts takes each of them as it is.",
            'sum(... == "You" for each in responsibility.events()) counts.',
        ),
        shows="The number falls with every step away from the rack, and rises again with an image of your own.",
    ),
    Exercise(
        id="03.3",
        minutes=2,
        title="The last day for a change",
        target="a whole number of days, counted from 2026-11-23",
        kind="number",
        expected=lambda: days_until("update_blocked"),
        tolerance=0.5,
        unit="days",
        slips=(
            Slip(lambda: days_until("create_blocked"), "That is the day for new functions. Changes end later."),
            Slip(
                lambda: -days_until("deprecated"), "So long ago its patches ended. The question is about a day to come."
            ),
            Slip(
                lambda: days_until("update_blocked", "nodejs22.x"),
                "That is the next runtime's date: look at Node.js 20.",
            ),
        ),
        idea="section 6: the column update_blocked of tables.runtimes()",
        hints=(
            'tables.runtimes().loc["nodejs20.x"] has three dates: which one ends changes?',
            "(that_day.date() - today).days counts the days between two dates.",
        ),
        shows="After that day a flaw in your own code can no longer be mended by an update of the function.",
    ),
)
