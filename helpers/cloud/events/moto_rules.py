"""EventBridge's rules: what lies on a bus reaches the targets of the rules it fits, and scheduled rules come due.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto keeps buses, rules,
archives and replays; it knows no functions as targets, fires no schedule, and lets a disabled rule act. Here patterns
are AWS's (:mod:`~helpers.cloud.events.event_patterns`), events have AWS's shape
(:mod:`~helpers.cloud.events.bus_events`), and schedules make appointments with the cloud's clock.
"""

from __future__ import annotations

import json
import re
import threading
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.events.exceptions import InvalidEventPatternException, ValidationException
from moto.events.models import EventsBackend, Rule, events_backends
from moto.events.responses import EventsHandler

from helpers.cloud.clock import Appointment, Clock
from helpers.cloud.events import bus_events as shapes
from helpers.cloud.events.event_patterns import check, matches
from helpers.cloud.events.moto_delivery import Replacement
from helpers.cloud.events.moto_targets import Order, Targets
from helpers.cloud.events.schedules import Timetable, in_rule

PRINCIPAL = "events.amazonaws.com"
# EventBridge's own words for what the services behind it answer.
ERROR_CODES = {
    "ResourceNotFoundException": "NO_RESOURCE",
    "QueueDoesNotExist": "NO_RESOURCE",
    "AccessDeniedException": "NO_PERMISSIONS",
    "TooManyRequestsException": "THROTTLING",
    "JSONDecodeError": "INVALID_JSON",
}
ARCHIVE = re.compile(r'"archive-arn": "([^"]+)"')
SCHEDULED = "Scheduled Event"

# An event that came from another bus goes no further than to one.
forwarded: ContextVar[bool] = ContextVar("forwarded", default=False)


class Rules:
    """The rules on all buses.

    Parameters
    ----------
    targets : reaches what rules name
    clock : of the cloud
    strict : as AWS: schedules come due, and what AWS refuses is refused; otherwise as moto
    """

    def __init__(self, targets: Targets, clock: Clock, *, strict: bool) -> None:
        self.targets, self.clock, self.strict = targets, clock, strict
        self._appointments: dict[str, Appointment] = {}
        self._lock = threading.Lock()

    def replacements(self) -> list[Replacement]:
        """Return what takes the place of moto's."""
        told = self
        put_rule, delete_rule, put_events = EventsBackend.put_rule, EventsBackend.delete_rule, EventsBackend.put_events
        enable_rule, disable_rule = EventsBackend.enable_rule, EventsBackend.disable_rule

        def put(backend: EventsBackend, name: str, *arguments: Any, **named: Any) -> Rule:
            if told.strict:
                _refuse(named.get("event_pattern"), named.get("scheduled_expression"))
            rule = put_rule(backend, name, *arguments, **named)
            told.arrange(rule)
            return rule

        def delete(backend: EventsBackend, name: str, event_bus_arn: str | None) -> None:
            delete_rule(backend, name, event_bus_arn)
            if backend._normalize_event_bus_arn(event_bus_arn) == "default":  # schedules are nowhere else
                told.cancel(f"{backend.account_id} {backend.region_name} {name}")

        def enable(backend: EventsBackend, name: str, event_bus_arn: str | None) -> bool:
            enabled = enable_rule(backend, name, event_bus_arn)
            told.arrange(backend.describe_rule(name, event_bus_arn))
            return enabled

        def disable(backend: EventsBackend, name: str, event_bus_arn: str | None) -> bool:
            disabled = disable_rule(backend, name, event_bus_arn)
            told.arrange(backend.describe_rule(name, event_bus_arn))
            return disabled

        def put_at_its_time(backend: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
            now_s = told.clock.time_s()
            return put_events(backend, [{**one, "Time": one.get("Time") or now_s} for one in events])

        def send_to_targets(rule: Rule, original_event: Any, transform_input: bool = True) -> None:
            told.see(rule, original_event, transform=transform_input)

        def test_event_pattern(response: EventsHandler) -> str:
            pattern, event = response._get_param("EventPattern"), response._get_param("Event")
            _refuse(pattern, None)
            return json.dumps({"Result": matches(json.loads(pattern), json.loads(event))})

        return [
            (Rule, "send_to_targets", send_to_targets),
            (EventsBackend, "put_rule", put),
            (EventsBackend, "delete_rule", delete),
            (EventsBackend, "enable_rule", enable),
            (EventsBackend, "disable_rule", disable),
            (EventsBackend, "put_events", put_at_its_time),
            (EventsHandler, "test_event_pattern", test_event_pattern),
        ]

    # Events.

    def on_bus(self, account: str, region: str, event: dict[str, Any], bus: str = "default") -> None:
        """Put an event on a bus."""
        known = events_backends[account][region].event_buses.get(bus)
        if known is None:
            raise LookupError(f"Event bus {bus} does not exist.")
        for rule in list(known.rules.values()):
            self.see(rule, event)

    def see(self, rule: Rule, original: Any, *, transform: bool = True) -> None:
        """Send an event to a rule's targets, if it fits the rule's pattern."""
        pattern = rule.event_pattern.get_pattern()
        if rule.state.startswith("DISABLED") or not (pattern or not rule.scheduled_expression):
            return
        event, ingested = _as_aws_has_it(original)
        if not matches(pattern, {**event, **_extra(original)}):
            return
        for target in list(rule.targets):
            if _is_archive(target):
                _keep(rule, target, original)
            else:
                self.send(rule, target, {**event, **_extra(original)}, ingested=ingested, transform=transform)

    def send(
        self, rule: Rule, target: dict[str, Any], event: dict[str, Any], *, ingested: str = "", transform: bool = True
    ) -> None:
        """Send an event to one target of a rule."""
        text = shapes.input_of(target, event, rule_arn=rule.arn, ingested=ingested) if transform else json.dumps(event)
        if target["Arn"].split(":")[2] == "events" and ":api-destination/" in target["Arn"]:
            _to_api(rule, target)
            return
        order = Order(
            target=target,
            text=lambda _: text,
            service=PRINCIPAL,
            source_arn=rule.arn,
            account=rule.account_id,
            region=rule.region_name,
            attributes=lambda came, retries, condition: {
                "RULE_ARN": rule.arn,
                "TARGET_ARN": target["Arn"],
                "ERROR_CODE": ERROR_CODES.get(came.error_type, "SDK_CLIENT_ERROR"),
                "ERROR_MESSAGE": came.message,
                "EXHAUSTED_RETRY_CONDITION": condition,
                "RETRY_ATTEMPTS": str(retries) if condition else "",
            },
            letter=lambda: json.dumps(event),
            to_bus=lambda arn, _: self.forward(arn, event),
        )
        self.targets.send(order)

    def forward(self, arn: str, event: dict[str, Any]) -> None:
        """Put an event of one bus on another."""
        if forwarded.get():
            raise PermissionError("an event that came from another bus is not sent on to a third")
        _, _, _, region, account, name = arn.split(":", 5)
        before = forwarded.set(True)
        try:
            self.on_bus(account, region, event, name.removeprefix("event-bus/"))
        finally:
            forwarded.reset(before)

    # Schedules.

    def arrange(self, rule: Rule) -> None:
        """Make the next appointment of a rule that was put, enabled or disabled, or none."""
        if not self.strict:
            return
        key = f"{rule.account_id} {rule.region_name} {rule.name}"
        self.cancel(key)
        if rule.scheduled_expression and rule.event_bus_name == "default" and rule.state == "ENABLED":
            now = self.clock.now()
            expression = in_rule(rule.scheduled_expression)
            timetable = Timetable(expression, now.replace(microsecond=0), begins_at_once=False)
            self._next(key, rule, timetable, now)

    def cancel(self, key: str) -> None:
        """Call a rule's appointment off."""
        with self._lock:
            appointment = self._appointments.pop(key, None)
        if appointment is not None:
            appointment.cancel()

    def _next(self, key: str, rule: Rule, timetable: Timetable, after: datetime) -> None:
        when = timetable.following(after)
        if when is None:
            return

        def fire() -> None:
            known = events_backends[rule.account_id][rule.region_name].event_buses["default"].rules
            if known.get(rule.name) is not rule:
                return  # moto was reset
            late = timedelta(seconds=self.clock.late_s(when.timestamp()))
            self._next(key, rule, timetable, when + late)
            event = shapes.bus_event(
                detail_type=SCHEDULED,
                source="aws.events",
                account=rule.account_id,
                when=when,
                region=rule.region_name,
                resources=[rule.arn],
                detail={},
            )
            for target in list(rule.targets):
                self.send(rule, target, event)

        appointment = self.clock.at(when.timestamp(), fire)
        with self._lock:
            self._appointments[key] = appointment


def _refuse(pattern: str | None, expression: str | None) -> None:
    """Refuse what EventBridge would refuse."""
    if pattern:
        try:
            check(json.loads(pattern))
        except ValueError as error:
            raise InvalidEventPatternException(reason=str(error)) from None
    if expression:
        try:
            in_rule(expression)
        except ValueError:
            raise ValidationException("Parameter ScheduleExpression is not valid.") from None


def _as_aws_has_it(event: Any) -> tuple[dict[str, Any], str]:
    """Return an event in AWS's shape, and when it came in; moto has times as numbers."""
    times = [event.get("time", ""), event.get("ingestion-time", "")]
    time, ingested = (shapes.second(_moment(one)) if isinstance(one, (int, float)) else str(one) for one in times)
    return {name: time if name == "time" else event[name] for name in shapes.FIELDS if name in event}, ingested


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)


def _extra(event: Any) -> dict[str, Any]:
    return {"replay-name": event["replay-name"]} if "replay-name" in event else {}


def _is_archive(target: dict[str, Any]) -> bool:
    return target["Arn"].split(":")[2] == "events" and target["Arn"].endswith(":::")


def _keep(rule: Rule, target: dict[str, Any], event: Any) -> None:
    """Put an event into the archive for which moto has made a rule."""
    found = ARCHIVE.search(target["InputTransformer"]["InputTemplate"])
    if found:
        rule._send_to_events_archive(found[1].partition("archive/")[2], event)


def _to_api(rule: Rule, target: dict[str, Any]) -> None:
    """Call an address outside, as moto does when it is told to (MOTO_EVENTS_INVOKE_HTTP)."""
    import requests
    from moto import settings

    if settings.events_invoke_http():
        destination = rule._find_api_destination(target["Arn"].split(":", 5)[5].partition("/")[2])
        named = target.get("HttpParameters", {})
        requests.request(
            destination.http_method,
            destination.invocation_endpoint,
            headers=named.get("HeaderParameters", {}),
            params=named.get("QueryStringParameters", {}),
            timeout=5,
        )
