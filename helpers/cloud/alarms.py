"""When an alarm of CloudWatch is in ALARM: the last values of a metric against a threshold, and what a gap means.

Pure rules; :mod:`helpers.cloud.moto_metrics` asks them with the metrics of a local cloud. Source: Amazon CloudWatch
User Guide, how alarms treat missing data
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html), whose tables of examples
are tests here.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from helpers.checks import choice, number

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
MISSING = ("missing", "breaching", "notBreaching", "ignore")
# AWS looks at more periods than it evaluates, so that a late value does no harm; how many more, it doesn't say.
LOOK_BACK = 2


def state_of(
    values: Sequence[float | None],
    *,
    threshold: float,
    comparison: str,
    evaluation_periods: int,
    datapoints_to_alarm: int | None = None,
    treat_missing: str = "missing",
    before: str = INSUFFICIENT,
) -> str:
    """Return the state of an alarm: OK, ALARM or INSUFFICIENT_DATA.

    Parameters
    ----------
    values : the metric in each period, the newest last; None where nothing was reported
    threshold, comparison : what a value is compared with, and how, by AWS's name
    evaluation_periods : how many values count
    datapoints_to_alarm : how many of them must breach; all of them if omitted
    treat_missing : what a gap counts for, where there are fewer values than ``evaluation_periods``
    before : the state until now

    Examples
    --------
    >>> rule = {"threshold": 1, "comparison": "GreaterThanOrEqualToThreshold", "evaluation_periods": 3}
    >>> state_of([0, 2, 3, 1], **rule), state_of([2, 0, 3, 1], **rule)
    ('ALARM', 'OK')
    >>> state_of([None, None, 2], **rule, treat_missing="notBreaching")
    'OK'
    """
    choice("comparison", comparison, tuple(COMPARISONS))
    choice("treat_missing", treat_missing, MISSING)
    periods = int(number("evaluation_periods", evaluation_periods, 1))
    wanted = int(number("datapoints_to_alarm", datapoints_to_alarm or periods, 1, periods))
    known = [None if value is None else COMPARISONS[comparison](value, threshold) for value in values]
    breaches = [one for one in known if one is not None]
    gaps = max(0, periods - len(breaches))
    if not gaps:  # enough real values: a gap among them means nothing
        breaches = breaches[-periods:]
    breaching = sum(breaches) + (gaps if treat_missing == "breaching" else 0)
    if breaching >= wanted:
        return ALARM
    if not gaps or treat_missing in ("breaching", "notBreaching") or not all(breaches):
        return OK
    # Nothing but breaches and gaps, or gaps alone.
    if treat_missing == "ignore":
        return before
    oldest = next((age for age, one in zip(range(len(known), 0, -1), known, strict=True) if one), 0)
    return ALARM if oldest >= wanted else INSUFFICIENT
