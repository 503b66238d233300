"""What Lambda tells CloudWatch about each function, and alarms that look at it once a minute.

With the other files called ``moto_*``, one of the few places that touch moto's internals. moto keeps metrics and
alarms, but its Lambda publishes none of its own, and its alarms never change by themselves. Here each invocation adds
to ``Invocations``, ``Errors``, ``Throttles`` and ``Duration`` of its function, by the minute in which it began, as AWS
has them; and whenever a period of an alarm has ended by the cloud's clock, the alarm is evaluated
(:mod:`helpers.cloud.alarms`) and its actions run: topics and functions.

Not evaluated: composite alarms, alarms on expressions and on percentiles. They stay as moto has them.
"""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import (
    Alarm,
    CloudWatchBackend,
    MetricAggregatedDatum,
    Statistics,
    cloudwatch_backends,
)

from helpers.cloud import alarms
from helpers.cloud.calls import Call, Invocation
from helpers.cloud.clock import Clock
from helpers.cloud.events.moto_delivery import Delivery

NAMESPACE = "AWS/Lambda"
MINUTE_S = 60
STATISTICS = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")
CALLER = "lambda.alarms.cloudwatch.amazonaws.com"


class Metrics:
    """The metrics and alarms of one cloud.

    Parameters
    ----------
    clock : the cloud's
    delivery : reaches topics and functions
    """

    def __init__(self, clock: Clock, delivery: Delivery) -> None:
        self._clock, self._delivery = clock, delivery
        self._sums: dict[tuple[str, ...], tuple[int, MetricAggregatedDatum]] = {}
        self._looked_s: dict[str, float] = {}  # by the alarm's ARN
        self._lock = threading.RLock()

    def install(self, undo: contextlib.ExitStack) -> None:
        """Let alarms begin without data, as AWS does; ``undo`` gets what gives moto its method back."""
        put, metrics = CloudWatchBackend.put_metric_alarm, self

        def put_metric_alarm(backend: CloudWatchBackend, name: str, *arguments: Any, **named: Any) -> Alarm:
            before = backend.alarms.get(name)
            alarm = put(backend, name, *arguments, **named)
            alarm.state_value = before.state_value if before else alarms.INSUFFICIENT
            with metrics._lock:
                metrics._looked_s[alarm.alarm_arn] = metrics._clock.time_s()
            return alarm

        CloudWatchBackend.put_metric_alarm = put_metric_alarm
        undo.callback(setattr, CloudWatchBackend, "put_metric_alarm", put)
        self._clock.when_advanced(self.look)

    def record(self, call: Call, invocation: Invocation) -> None:
        """Add one invocation, or one that was throttled, to the minute in which it began."""
        throttled = invocation.status == "throttled"
        values = {"Throttles": float(throttled)}
        if not throttled:
            values |= {"Invocations": 1.0, "Errors": float(invocation.status != "success")}
            values["Duration"] = float(invocation.duration_ms or 0)
        minute = int((self._clock.time_s() - (invocation.duration_ms or 0) / 1000) // MINUTE_S) * MINUTE_S
        _, _, _, region, account, _ = call.function.arn.split(":", 5)
        with self._lock:
            for name, value in values.items():
                self._add(account, region, call.function.name, name, minute, value)

    def _add(self, account: str, region: str, function: str, name: str, minute: int, value: float) -> None:
        key = account, region, function, name
        known = self._sums.get(key)
        if known is None or known[0] != minute:
            datum = MetricAggregatedDatum(
                NAMESPACE,
                name,
                min_stat=value,
                max_stat=value,
                sample_count=0,
                sum_stat=0,
                dimensions=[{"Name": "FunctionName", "Value": function}],
                timestamp=datetime.fromtimestamp(minute, UTC).replace(tzinfo=None),
                unit="Milliseconds" if name == "Duration" else "Count",
            )
            cloudwatch_backends[account][region].metric_data.append(datum)
            known = self._sums[key] = minute, datum
        datum = known[1]
        datum.sample_count, datum.sum = datum.sample_count + 1, datum.sum + value
        datum.min, datum.max = min(datum.min, value), max(datum.max, value)

    # Alarms.

    def look(self) -> None:
        """Evaluate each alarm at the end of every period that has passed since the last look."""
        now_s = self._clock.time_s()
        with self._lock:
            for account in list(cloudwatch_backends.values()):
                for backend in list(account.values()):
                    for alarm in list(backend.alarms.values()):
                        if alarm.rule is None and alarm.statistic in STATISTICS and alarm.metric_name:
                            self._look_at(backend, alarm, now_s)

    def _look_at(self, backend: CloudWatchBackend, alarm: Alarm, now_s: float) -> None:
        period_s = int(alarm.period)
        end_s = int(now_s // period_s) * period_s
        since_s = self._looked_s.get(alarm.alarm_arn, now_s)
        if end_s <= since_s:
            return
        self._looked_s[alarm.alarm_arn] = end_s
        data, back = _data_of(backend, alarm), int(alarm.evaluation_periods) + alarms.LOOK_BACK
        # Where no value comes and none goes, nothing changes: a year may pass at once.
        ends = {end_s}
        for when_s, _ in data:
            first = int(when_s // period_s) * period_s
            ends.update(range(first + period_s, first + (back + 2) * period_s, period_s))
        for at_s in sorted(one for one in ends if since_s < one <= end_s):
            values = [_value(alarm, data, at_s - k * period_s, period_s) for k in range(back, 0, -1)]
            state = alarms.state_of(
                values,
                threshold=float(alarm.threshold),
                comparison=alarm.comparison_operator,
                evaluation_periods=int(alarm.evaluation_periods),
                datapoints_to_alarm=int(alarm.datapoints_to_alarm) if alarm.datapoints_to_alarm else None,
                treat_missing=alarm.treat_missing_data or "missing",
                before=alarm.state_value,
            )
            if state != alarm.state_value:
                self._change(backend, alarm, state, values, at_s)

    def _change(
        self, backend: CloudWatchBackend, alarm: Alarm, state: str, values: list[float | None], at_s: float
    ) -> None:
        known = [value for value in values if value is not None]
        when = datetime.fromtimestamp(at_s, UTC)
        reason = f"Threshold Crossed: the last values were {known}, compared with {alarm.threshold}"
        reason = reason if known else "Insufficient Data: no values in the evaluation range"
        before = alarm.state_value
        alarm.update_state(reason, json.dumps({"version": "1.0", "recentDatapoints": known}), state)
        alarm.state_updated_timestamp = when.replace(tzinfo=None)
        if not alarm.actions_enabled:
            return
        actions = {alarms.ALARM: alarm.alarm_actions, alarms.OK: alarm.ok_actions}
        for arn in actions.get(state, alarm.insufficient_data_actions) or []:
            self._act(backend, alarm, arn, before, when)

    def _act(self, backend: CloudWatchBackend, alarm: Alarm, arn: str, before: str, when: datetime) -> None:
        source = f"the alarm {alarm.name}"
        told = _told(backend, alarm, before, when)
        if arn.startswith("arn:aws:sns:"):
            subject = f'{alarm.state_value}: "{alarm.name}" in {backend.region_name}'
            self._delivery.send("topic", arn, json.dumps(told), source, subject=subject)
        elif arn.startswith("arn:aws:lambda:"):
            event = {"source": "aws.cloudwatch", "alarmArn": alarm.alarm_arn, "accountId": backend.account_id}
            event |= {"time": when.isoformat(), "region": backend.region_name, "alarmData": told}
            self._delivery.invoke(arn, event, CALLER, alarm.alarm_arn, backend.account_id, source)


def _data_of(backend: CloudWatchBackend, alarm: Alarm) -> list[tuple[float, Any]]:
    """Return what was reported of an alarm's metric, with its times."""
    wanted = {(one.name, one.value) for one in alarm.dimensions}
    return [
        (datum.timestamp.replace(tzinfo=UTC).timestamp(), datum)
        for datum in list(backend.get_all_metrics())
        if datum.name == alarm.metric_name
        and datum.namespace == alarm.namespace
        and {(one.name, one.value) for one in datum.dimensions} == wanted
        and alarm.unit in (None, datum.unit)
    ]


def _value(alarm: Alarm, data: list[tuple[float, Any]], start_s: float, period_s: int) -> float | None:
    inside = [datum for when_s, datum in data if start_s <= when_s < start_s + period_s]
    if not inside:
        return None
    statistics = Statistics([alarm.statistic], datetime.fromtimestamp(start_s, UTC))
    statistics.metric_data = inside
    found = statistics.get_statistics_for_type(alarm.statistic)
    return None if found is None else float(found)


def _told(backend: CloudWatchBackend, alarm: Alarm, before: str, when: datetime) -> dict[str, Any]:
    """Return what an alarm says to those whom it calls, in AWS's form."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": backend.account_id,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": when.isoformat(timespec="milliseconds").replace("+00:00", "+0000"),
        "Region": backend.region_name,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "Statistic": alarm.statistic,
            "Dimensions": [{"name": one.name, "value": one.value} for one in alarm.dimensions],
            "Period": int(alarm.period),
            "EvaluationPeriods": int(alarm.evaluation_periods),
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": float(alarm.threshold),
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }
