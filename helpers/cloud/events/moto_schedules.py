"""EventBridge Scheduler: moto keeps schedules and their groups, and here they come due.

With the other files called ``moto_*``, one of the few places that touch moto's internals. When a schedule is due says
:mod:`~helpers.cloud.events.schedules`; each has one appointment with the cloud's clock, the next. A schedule acts
through its role, hence no function's own policy is asked; what the role may do is not looked at.
"""

from __future__ import annotations

import json
import secrets
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.scheduler.exceptions import ScheduleExists, ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, ScheduleGroup
from moto.scheduler.responses import EventBridgeSchedulerResponse

from helpers.cloud.clock import Appointment, Clock
from helpers.cloud.events import bus_events as shapes
from helpers.cloud.events.moto_delivery import Arrival, Replacement
from helpers.cloud.events.moto_rules import SCHEDULED, Rules
from helpers.cloud.events.moto_targets import UNIVERSAL, Order, Targets
from helpers.cloud.events.schedules import At, Timetable, flexible_delay_s, parse, time_zone

WINDOW_MAX_MINUTES = 1_440


class Schedules:
    """The schedules of all accounts and Regions.

    Parameters
    ----------
    targets : reaches what schedules name
    rules : puts events on buses
    clock : of the cloud
    """

    def __init__(self, targets: Targets, rules: Rules, clock: Clock) -> None:
        self.targets, self.rules, self.clock = targets, rules, clock
        self._appointments: dict[str, Appointment] = {}
        self._lock = threading.Lock()

    def replacements(self) -> list[Replacement]:
        """Return what takes the place of moto's."""
        told, owner = self, EventBridgeSchedulerBackend
        create_schedule, update_schedule = owner.create_schedule, owner.update_schedule
        delete_schedule, delete_group, create_group = (
            owner.delete_schedule,
            owner.delete_schedule_group,
            owner.create_schedule_group,
        )
        answer_update = EventBridgeSchedulerResponse.update_schedule

        def create(backend: EventBridgeSchedulerBackend, **named: Any) -> Schedule:
            backend.get_schedule_group(named.get("group_name"))
            _refuse(named)
            schedule = create_schedule(backend, **named)
            told.arrange(backend, schedule)
            return schedule

        def update(backend: EventBridgeSchedulerBackend, **named: Any) -> Schedule:
            backend.get_schedule(named.get("group_name"), named["name"])
            _refuse(named)
            schedule = update_schedule(backend, **named)
            schedule.state = named.get("state") or "ENABLED"
            told.arrange(backend, schedule)
            return schedule

        def respond_to_update(response: EventBridgeSchedulerResponse) -> str:
            answer = answer_update(response)  # moto leaves one of the parameters where it is
            name = response.uri.split("?")[0].split("/")[-1]
            schedule = response.scheduler_backend.get_schedule(response._get_param("GroupName"), name)
            schedule.action_after_completion = response._get_param("ActionAfterCompletion") or "NONE"
            return answer

        def delete(backend: EventBridgeSchedulerBackend, group_name: str | None, name: str) -> None:
            schedule = backend.get_schedule(group_name, name)
            delete_schedule(backend, group_name, name)
            told.cancel(schedule.arn)

        def create_schedule_group(backend: EventBridgeSchedulerBackend, name: str, tags: Any) -> ScheduleGroup:
            if name in backend.schedule_groups:
                raise ScheduleExists(name)
            return create_group(backend, name, tags)

        def delete_schedule_group(backend: EventBridgeSchedulerBackend, name: str | None) -> None:
            group = backend.get_schedule_group(name)
            if group.name == "default":
                raise ValidationException("The default schedule group can't be deleted.")
            delete_group(backend, name)
            for schedule in group.schedules.values():
                told.cancel(schedule.arn)

        return [
            (owner, "create_schedule", create),
            (owner, "update_schedule", update),
            (owner, "delete_schedule", delete),
            (owner, "create_schedule_group", create_schedule_group),
            (owner, "delete_schedule_group", delete_schedule_group),
            (EventBridgeSchedulerResponse, "update_schedule", respond_to_update),
        ]

    def arrange(self, backend: EventBridgeSchedulerBackend, schedule: Schedule) -> None:
        """Make the next appointment of a schedule that was created or updated."""
        self.cancel(schedule.arn)
        anchor = self.clock.now().replace(microsecond=0)
        timetable = Timetable(
            parse(schedule.schedule_expression),
            anchor,
            time_zone(schedule.schedule_expression_timezone),
            _moment(schedule.start_date),
            _moment(schedule.end_date),
        )
        self._next(backend, schedule, timetable, anchor - timedelta.resolution)

    def cancel(self, arn: str) -> None:
        """Call a schedule's appointment off."""
        with self._lock:
            appointment = self._appointments.pop(arn, None)
        if appointment is not None:
            appointment.cancel()

    def _next(
        self, backend: EventBridgeSchedulerBackend, schedule: Schedule, timetable: Timetable, after: datetime
    ) -> bool:
        """Make the appointment after a moment; say whether there is one."""
        when = timetable.following(after)
        if when is None:
            return False
        window = schedule.flexible_time_window
        minutes = window.get("MaximumWindowInMinutes") or 0 if window.get("Mode") == "FLEXIBLE" else 0
        due_s = when.timestamp() + flexible_delay_s(schedule.arn, when, minutes)

        def fire() -> None:
            group = backend.schedule_groups.get(schedule.group_name)
            if group is None or group.schedules.get(schedule.name) is not schedule:
                return  # moto was reset
            late = timedelta(seconds=self.clock.late_s(due_s))
            goes_on = self._next(backend, schedule, timetable, when + late)
            if schedule.state == "ENABLED":
                self.targets.send(self._order(backend, schedule, when))
            if not goes_on and schedule.action_after_completion == "DELETE":
                group.schedules.pop(schedule.name, None)

        appointment = self.clock.at(due_s, fire)
        with self._lock:
            self._appointments[schedule.arn] = appointment
        return True

    def _order(self, backend: EventBridgeSchedulerBackend, schedule: Schedule, when: datetime) -> Order:
        target = dict(schedule.target)
        account, region, execution = backend.account_id, backend.region_name, secrets.token_hex(8)
        event = shapes.bus_event(
            detail_type=SCHEDULED,
            source="aws.scheduler",
            account=account,
            when=when,
            region=region,
            resources=[schedule.arn],
            detail="{}",  # a text, unlike a rule's
        )
        given = target.get("Input")

        def text(attempt: int) -> str:
            return shapes.in_context(
                given if given is not None else json.dumps(event),
                {
                    "schedule-arn": schedule.arn,
                    "scheduled-time": shapes.second(when),
                    "execution-id": execution,
                    "attempt-number": attempt,
                },
            )

        def attributes(came: Arrival, retries: int, condition: str) -> Mapping[str, str]:
            return {
                "SCHEDULE_ARN": schedule.arn,
                "TARGET_ARN": target["Arn"],
                "SCHEDULED_TIME": shapes.second(when),
                "EXECUTION_ID": execution,
                "ERROR_CODE": came.error_type,
                "ERROR_MESSAGE": came.message,
                "RETRY_ATTEMPTS": str(retries),
                "EXHAUSTED_RETRY_CONDITION": condition,
                "IS_PAYLOAD_TRUNCATED": "false",
            }

        def to_bus(arn: str, detail: str) -> None:
            told = target.get("EventBridgeParameters") or {}
            _, _, _, bus_region, bus_account, name = arn.split(":", 5)
            one = shapes.bus_event(
                detail_type=told.get("DetailType", SCHEDULED),
                source=told.get("Source", "aws.scheduler"),
                account=account,
                when=when,
                region=region,
                detail=json.loads(detail),
                event_id=str(uuid.uuid4()),
            )
            self.rules.on_bus(bus_account, bus_region, one, name.removeprefix("event-bus/"))

        return Order(
            target=target,
            text=text,
            service=None,
            source_arn=schedule.arn,
            account=account,
            region=region,
            attributes=attributes,
            letter=lambda: text(1),
            to_bus=to_bus,
        )


def _moment(given: Any) -> datetime | None:
    """Read a time as boto3 sends it: seconds since 1970, or ISO's text."""
    if given in (None, ""):
        return None
    if isinstance(given, str) and not given.replace(".", "").isdecimal():
        read = datetime.fromisoformat(given)
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(given), UTC)


def _refuse(named: Mapping[str, Any]) -> None:
    """Refuse what EventBridge Scheduler would refuse."""
    text, zone = named["schedule_expression"], named.get("schedule_expression_timezone") or "UTC"
    try:
        expression = parse(text)
    except ValueError as error:
        raise ValidationException(f"Invalid Schedule Expression {text}. {error}") from None
    try:
        time_zone(zone)
    except ValueError as error:
        raise ValidationException(f"Invalid ScheduleExpressionTimezone {zone}. {error}") from None
    start, end = _moment(named.get("start_date")), _moment(named.get("end_date"))
    if not isinstance(expression, At) and start and end and end <= start:
        raise ValidationException("The EndDate you specify must come after the StartDate.")
    window = named.get("flexible_time_window") or {}
    minutes = window.get("MaximumWindowInMinutes")
    if window.get("Mode") == "FLEXIBLE" and not 1 <= (minutes or 0) <= WINDOW_MAX_MINUTES:
        raise ValidationException(f"MaximumWindowInMinutes must be from 1 to {WINDOW_MAX_MINUTES}, got {minutes}.")
    if window.get("Mode") == "OFF" and minutes is not None:
        raise ValidationException("MaximumWindowInMinutes is for the mode FLEXIBLE.")
    arn = (named.get("target") or {}).get("Arn", "")
    if not arn.startswith(UNIVERSAL) and len(arn.split(":", 5)) < 6:
        raise ValidationException(f"Provided Arn is not in correct format: {arn}")
