"""How old a notebook's facts are: dates by service, single sources, notices."""

import datetime

import pandas as pd
import pytest

from helpers import tables
from helpers.show import as_of

TODAY = datetime.date(2026, 12, 1)
ROWS = pd.DataFrame(
    [
        ("lambda.requests", "Lambda", "Requests", "2026-09-19", 550, "", "AWS Price List"),
        ("lambda.old", "Lambda", "An old <price>", "2025-01-01", 90, "", "an old page"),
        ("fargate.vcpu", "Fargate", "vCPU", "2026-10-01", 90, "single-sourced", "a blog"),
        ("rack.price", "Rack", "Server", "2026-01-01", 1000, "assumption", "ours"),
        ("lambdaedge.requests", "Lambda@Edge", "Requests", "2026-01-01", 1000, "", "AWS"),
    ],
    columns=["slug", "service", "item", "as_of", "max_age_days", "flag", "source"],
).set_index("slug")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = ROWS.assign(as_of=[datetime.date.fromisoformat(day) for day in ROWS["as_of"]])
    limits = ROWS.iloc[[0]].assign(item="A limit of the same slug", as_of=pd.Timestamp("2026-11-01"))
    monkeypatch.setattr(tables, "prices", lambda: prices)
    monkeypatch.setattr(tables, "limits", lambda: limits)


@pytest.mark.usefixtures("small")
def test_dates_are_told_by_service():
    services = as_of("lambda", "fargate", today=TODAY).services
    assert list(services.index) == ["Fargate", "Lambda"]
    assert services.loc["Lambda"].to_list() == [3, pd.Timestamp("2025-01-01"), pd.Timestamp("2026-11-01")]


@pytest.mark.usefixtures("small")
def test_a_row_older_than_its_own_limit_gets_a_notice():
    text = str(as_of("lambda", today=TODAY))
    assert "Notice: An old <price> (lambda.old) is from 2025-01-01, 699 days before 2026-12-01" in text
    assert "lambda.requests" not in text


@pytest.mark.usefixtures("small")
def test_a_row_on_the_day_of_its_limit_gets_none():
    last_day = datetime.date(2026, 10, 1) + datetime.timedelta(days=90)
    assert as_of("fargate", today=last_day).outdated.empty
    assert len(as_of("fargate", today=last_day + datetime.timedelta(days=1)).outdated) == 1


@pytest.mark.usefixtures("small")
def test_single_sources_and_assumptions_are_named():
    text = str(as_of(today=TODAY))
    assert "Single-sourced (1): fargate.vcpu." in text
    assert "Assumption (1): rack.price." in text


@pytest.mark.usefixtures("small")
def test_a_prefix_ends_at_a_dot():
    assert "Lambda@Edge" not in as_of("lambda", today=TODAY).services.index


@pytest.mark.usefixtures("small")
def test_an_unknown_prefix_is_answered_with_near_ones():
    with pytest.raises(KeyError, match=r"starts with 'lamda'; near: lambda"):
        as_of("lamda", today=TODAY)


@pytest.mark.usefixtures("small")
def test_html_escapes_what_the_tables_say():
    bundle = as_of(today=TODAY)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "An old &lt;price&gt;" in bundle["text/html"]


def test_a_source_of_events_with_a_flag_is_named():
    flagged = tables.event_sources().query("flag != ''")
    text = " ".join(str(as_of("event_sources", today=TODAY)).split())
    assert len(flagged) > 0
    assert all(f"event_sources.{name}" in text for name in flagged.index)


def test_the_real_tables_are_read():
    fresh = as_of("lambda", "fargate", "ec2", today=TODAY)
    assert {"Lambda", "Fargate", "EC2"} <= set(fresh.services.index)
    assert str(fresh).startswith(f"Prices and limits used here: {len(fresh.rows)} rows")
