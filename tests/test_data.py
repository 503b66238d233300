"""The tables themselves: valid, sourced, dated, and equal to the facts that they state."""

import json
import re
from collections import Counter
from datetime import date
from itertools import pairwise

import botocore.session
import pytest

from helpers import tables
from helpers.tables.reading import DATA, read

PACKAGE = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES = {resource["name"]: resource for resource in PACKAGE["resources"]}
ALL = sorted(RESOURCES)


def test_frictionless_finds_the_package_valid(monkeypatch):
    frictionless = pytest.importorskip("frictionless")
    monkeypatch.chdir(DATA.parent)
    report = frictionless.validate("data/datapackage.json")
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])


def test_the_package_describes_every_csv_file_and_no_other():
    described = {resource["path"] for resource in RESOURCES.values()}
    assert described == {path.name for path in DATA.glob("*.csv")}


@pytest.mark.parametrize("name", ALL)
def test_every_table_has_a_description_a_licence_and_dated_sources(name):
    resource = RESOURCES[name]
    assert resource["description"]
    assert resource["licenses"][0]["name"] == ("Apache-2.0" if name == "cold_starts" else "CC-BY-4.0")
    assert any("path" in source for source in resource["sources"])
    for source in resource["sources"]:
        assert source["title"]
        assert date.fromisoformat(source["date"])
        assert source.get("path", "https://").startswith("https://")


def test_measured_cold_starts_credit_their_author():
    assert "Maxime David" in RESOURCES["cold_starts"]["description"]
    assert RESOURCES["cold_starts"]["sources"][0]["path"] == "https://github.com/maxday/lambda-perf"


@pytest.mark.parametrize("name", ALL)
def test_every_field_says_what_it_is(name):
    for field in RESOURCES[name]["schema"]["fields"]:
        assert field["description"].endswith("."), field["name"]
        if field["name"].endswith("_ms") and field["name"] != "share_over_1000_ms":
            assert field["unit"] == "ms"


@pytest.mark.parametrize("name", ALL)
def test_every_row_has_a_source_and_a_date(name):
    for number, row in enumerate(read(name), start=2):
        assert row["source"].strip(), f"{name} row {number}"
        assert row["as_of"] >= date(2014, 1, 1), f"{name} row {number}"


READ = ["event_sources", "stack_concerns", "stack_operations", "round_trips"]


@pytest.mark.parametrize("name", READ)
def test_what_was_read_can_be_read_again(name):
    for number, row in enumerate(read(name), start=2):
        assert re.search(r"\(https://[^\s()]+\)", row["source"]), f"{name} row {number}"


def test_a_rule_rests_on_what_was_read_on_the_limits_or_is_marked_as_ours():
    for number, row in enumerate(read("rules"), start=2):
        read_somewhere = "https://" in row["source"] or "data/limits.csv" in row["source"]
        assert read_somewhere or (row["source"].startswith("Our judgement") and row["flag"] == "assumption"), number


def test_every_operation_of_the_builds_is_in_the_models_that_its_row_names():
    session = botocore.session.get_session()
    for row in read("stack_operations"):
        assert row["operation"] in session.get_service_model(row["service"]).operation_names, row


@pytest.mark.parametrize("name", ALL)
def test_text_is_tidy(name):
    for number, row in enumerate(read(name), start=2):
        for column, value in row.items():
            if isinstance(value, str):
                assert value == value.strip(), f"{name} row {number} {column}"
                assert "  " not in value, f"{name} row {number} {column}"
                assert "\n" not in value, f"{name} row {number} {column}"


@pytest.mark.parametrize("name", ["prices", "limits", "runtimes"])
def test_a_row_without_a_flag_has_two_sources_and_a_flagged_one_does_not(name):
    for row in read(name):
        assert bool(row["flag"]) != bool(row["source2"]), row


def test_a_date_known_to_the_month_or_year_stands_at_its_first_day():
    for name in ("prices", "limits", "cold_starts_other"):
        for row in read(name):
            if row["dated"] == "month":
                assert row["as_of"].day == 1
            elif row["dated"] == "year":
                assert (row["as_of"].month, row["as_of"].day) == (1, 1)


# Prices


@pytest.mark.parametrize(
    ("slug", "value", "per"),
    [
        ("lambda.requests", 0.20, 1_000_000),
        ("lambda.duration.x86_64.tier1", 0.0000166667, 1),
        ("lambda.duration.x86_64.tier3", 0.0000133334, 1),
        ("lambda.duration.arm64.tier1", 0.0000133334, 1),
        ("lambda.free.requests", 1_000_000, 1),
        ("lambda.free.gb_seconds", 400_000, 1),
        ("lambda.ephemeral_storage", 0.0000000309, 1),
        ("lambda.provisioned.x86_64.allocated", 0.0000041667, 1),
        ("lambda.provisioned.x86_64.duration", 0.0000097222, 1),
        ("lambda.snapstart.cache", 0.0000015046, 1),
        ("fargate.vcpu.x86_64", 0.04048, 1),
        ("fargate.memory.arm64", 0.00356, 1),
        ("ec2.t3.micro", 0.0104, 1),
        ("ec2.m7g.large", 0.0816, 1),
        ("eks.cluster", 0.10, 1),
        ("apigateway.http.requests.tier1", 1.00, 1_000_000),
        ("apigateway.rest.requests.tier1", 3.50, 1_000_000),
        ("dynamodb.write_units", 0.625, 1_000_000),
        ("dynamodb.read_units", 0.125, 1_000_000),
        ("s3.requests.write", 0.005, 1_000),
        ("scheduler.free.invocations", 14_000_000, 1),
        ("egress.tier1", 0.09, 1),
        ("vpc.public_ipv4", 0.005, 1),
    ],
)
def test_a_price_is_what_its_source_says(slug, value, per):
    price = tables.price(slug)
    assert (price.value, price.per) == (value, per)


def test_arm64_tiers_have_bounds_of_their_own():
    bounds = [tier.tier_to for tier in tables.tiers("lambda.duration.arm64")]
    assert bounds == [7_500_000_000, 18_750_000_000, None]


def test_provisioned_concurrency_breaks_even_at_sixty_percent_use():
    idle = tables.price("lambda.provisioned.x86_64.allocated").value
    busy = tables.price("lambda.provisioned.x86_64.duration").value
    demand = tables.price("lambda.duration.x86_64.tier1").value
    assert idle / (demand - busy) == pytest.approx(0.60, abs=0.0001)


def test_later_tiers_are_cheaper():
    meters = {row["meter"] for row in read("prices") if row["tier_from"] is not None}
    assert len(meters) == 6
    for meter in meters:
        values = [tier.value for tier in tables.tiers(meter)]
        assert values == sorted(values, reverse=True), meter


def test_the_unit_agrees_with_per():
    for row in read("prices"):
        words = {"1M": 1_000_000, "1,000": 1_000}
        assert row["per"] == words.get(row["unit"].split()[0], 1), row["slug"]


def test_shares_lie_between_nothing_and_everything():
    shares = [row for row in read("prices") if row["kind"] == "fraction"]
    assert {row["slug"] for row in shares} == {
        "lambda_managed_instances.fee",
        "ec2.savings_plan_1y",
        "fargate.spot_discount",
    }
    assert all(0 < row["value"] < 1 for row in shares)


def test_a_free_allowance_belongs_to_something_that_has_a_price():
    meters = {row["meter"] for row in read("prices") if row["kind"] == "usd"}
    for row in read("prices"):
        if ".free" in row["slug"]:
            assert row["kind"] == "quantity", row["slug"]
            assert any(meter == row["meter"] or meter.startswith(row["meter"] + ".") for meter in meters), row["slug"]


def test_physical_costs_are_marked_as_the_weak_figures_they_are():
    physical = [row for row in read("prices") if row["service"] == "Physical"]
    assert {row["slug"] for row in physical if not row["flag"]} == {"physical.colocation"}


# Limits


@pytest.mark.parametrize(
    ("slug", "low", "high", "unit"),
    [
        ("lambda.timeout", 1, 900, "s"),
        ("lambda.memory", 128, 10_240, "MB"),
        ("lambda.full_vcpu_memory", 1769, 1769, "MB"),
        ("lambda.ephemeral_storage", 512, 10_240, "MB"),
        ("lambda.zip_upload", None, 50, "MB"),
        ("lambda.zip_unzipped", None, 250, "MB"),
        ("lambda.image", None, 10, "GB"),
        ("lambda.payload.sync", None, 6, "MB"),
        ("lambda.payload.async", None, 1, "MB"),
        ("lambda.concurrency", None, 1000, "environments"),
        ("lambda.scaling_rate", None, 1000, "environments"),
        ("lambda.scaling_window", 10, 10, "s"),
        ("lambda.request_rate_factor", None, 10, "requests/s"),
        ("lambda.init_timeout", None, 10, "s"),
        ("lambda.async.retries", 0, 2, "retries"),
        ("lambda.async.max_age", 60, 21_600, "s"),
        ("lambda_managed_instances.timeout", 1, 5400, "s"),
        ("apigateway.http.timeout", None, 30, "s"),
        ("apigateway.rest.timeout", None, 29, "s"),
        ("apigateway.throttle.rate", None, 10_000, "requests/s"),
        ("apigateway.throttle.burst", None, 5000, "requests"),
        ("alb.lambda.request_body", None, 1, "MB"),
        ("cognito.trigger.timeout", None, 5, "s"),
    ],
)
def test_a_limit_is_what_its_source_says(slug, low, high, unit):
    limit = tables.limit(slug)
    assert (limit.min, limit.max, limit.unit) == (low, high, unit)


def test_every_limit_is_a_range_or_stands_in_words():
    for row in read("limits"):
        bounds = [row["min"], row["max"]]
        if row["text"]:
            assert bounds == [None, None], row["slug"]
            continue
        assert any(bound is not None for bound in bounds), row["slug"]
        assert row["unit"], row["slug"]
        if None not in bounds:
            assert bounds[0] <= bounds[1], row["slug"]
        if row["default"] is not None:
            assert (row["min"] or row["default"]) <= row["default"] <= (row["max"] or row["default"]), row["slug"]


def test_limits_agree_with_the_service_model_that_boto3_ships():
    boto3 = pytest.importorskip("boto3")
    client = boto3.client("lambda", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    members = {
        "lambda.async.retries": ("PutFunctionEventInvokeConfig", "MaximumRetryAttempts"),
        "lambda.async.max_age": ("PutFunctionEventInvokeConfig", "MaximumEventAgeInSeconds"),
        "lambda.sqs.batch_size": ("CreateEventSourceMapping", "BatchSize"),
        "lambda.sqs.batch_window": ("CreateEventSourceMapping", "MaximumBatchingWindowInSeconds"),
        "lambda.streams.retries": ("CreateEventSourceMapping", "MaximumRetryAttempts"),
        "lambda.streams.parallelization": ("CreateEventSourceMapping", "ParallelizationFactor"),
        "lambda_managed_instances.timeout": ("CreateFunction", "Timeout"),
    }
    for slug, (operation, member) in members.items():
        shape = client.meta.service_model.operation_model(operation).input_shape.members[member]
        limit = tables.limit(slug)
        assert (limit.min, limit.max) == (shape.metadata["min"], shape.metadata["max"]), slug


# Runtimes, instances


def test_a_runtime_is_deprecated_before_it_is_blocked_for_new_functions_and_then_for_changes():
    for row in read("runtimes"):
        if row["status"] == "preview":
            assert row["deprecated"] is None
        else:
            assert row["deprecated"] < row["create_blocked"] < row["update_blocked"], row["runtime"]


def test_the_status_of_a_runtime_follows_from_its_dates():
    for row in read("runtimes"):
        if row["status"] != "preview":
            past = row["deprecated"] <= row["status_as_of"]
            assert row["status"] == ("deprecated" if past else "supported"), row["runtime"]


def test_the_lessons_runtime_is_deprecated():
    node = tables.runtimes().loc["nodejs20.x"]
    assert (node.status, node.deprecated.date()) == ("deprecated", date(2026, 4, 30))
    assert node.create_blocked.date() == date(2027, 2, 1)
    assert tables.runtimes().loc["python3.11"].deprecated.date() == date(2027, 6, 30)
    assert len(tables.runtimes()) == 25


def test_every_instance_type_with_a_price_has_a_size():
    priced = {row["slug"] for row in read("prices") if re.fullmatch(r"ec2\.[a-z0-9]+\.[a-z0-9]+", row["slug"])}
    sized = read("instances")
    assert {row["price"] for row in sized} == priced
    assert all(row["price"] == f"ec2.{row['instance_type']}" for row in sized)
    types = {row["instance_type"]: row for row in sized}
    assert (types["t3.micro"]["vcpu"], types["t3.micro"]["memory_gib"]) == (2, 1)
    assert (types["c7g.xlarge"]["vcpu"], types["c7g.xlarge"]["memory_gib"]) == (4, 8)
    assert [name for name, row in types.items() if row["burstable"]] == [n for n in types if n.startswith("t")]
    assert types["m7g.large"]["architecture"] == "arm64"
    assert types["m7i.large"]["architecture"] == "x86_64"


# Cold starts


def test_cold_starts_add_up_to_the_published_number():
    frame = tables.cold_starts()
    assert len(frame) == 620
    assert frame["n"].sum() == 172_463


def test_quantiles_of_a_cell_are_in_order():
    frame = tables.cold_starts()
    order = ["init_min_ms", "init_p50_ms", "init_p95_ms", "init_p99_ms", "init_max_ms"]
    for low, high in pairwise(order):
        assert (frame[low] <= frame[high]).all(), (low, high)
    assert frame["init_mean_ms"].between(frame["init_min_ms"], frame["init_max_ms"]).all()


def test_the_lessons_node_function_starts_in_the_range_that_the_lesson_gives():
    cell = tables.cold_starts().query(
        "runtime == 'nodejs20.x' and architecture == 'x86_64' and memory_mb == 512 and package == 'zip'"
    )
    assert len(cell) == 1
    assert (cell.n.item(), cell.init_p50_ms.item()) == (278, 141.0)
    assert cell.init_min_ms.item() > 50
    assert cell.init_max_ms.item() < 300


def test_managed_runtimes_have_no_variant_and_custom_ones_do():
    frame = tables.cold_starts()
    assert (frame["runtime"].str.startswith("provided") == (frame["variant"] != "")).all()


def test_other_figures_have_a_value_or_a_range_that_holds_it():
    for row in read("cold_starts_other"):
        low, high, value = row["min"], row["max"], row["value"]
        assert value is not None or low is not None or high is not None, row
        assert bool(row["range"]) == (low is not None or high is not None), row
        if None not in (low, high, value):
            assert low <= value <= high, row
        if row["unit"] == "fraction":
            assert all(0 <= part <= 1 for part in (low, high, value) if part is not None), row


# The lesson


def test_the_lessons_table_has_seven_rows_and_four_models():
    rows = read("responsibility")
    table = {(row["responsibility"], row["model"]): row for row in rows}
    names = list(dict.fromkeys(row["responsibility"] for row in rows))
    models = list(dict.fromkeys(row["model"] for row in rows))
    assert (len(names), len(models), len(table)) == (7, 4, 28)
    owners = ["".join(table[name, model]["owner"][0] for model in models) for name in names]
    assert owners == ["YAAA", "YYYA", "YYYA", "YYYA", "YYSA", "YYYY", "YYYY"]
    assert table["Host OS patching", "Containers (ECS/EKS)"]["qualifier"] == "nodes"
    assert table["High availability", "Serverless (Lambda)"]["qualifier"] == "built-in"


def test_every_claim_about_the_table_points_at_a_cell():
    used = {row["claim"] for row in read("responsibility")} - {""}
    assert used == {row["id"] for row in read("claims") if row["section"] == "table"}


def test_all_claims_are_judged_and_what_is_not_simply_correct_says_what_to_teach():
    claims = read("claims")
    assert len(claims) == 56
    assert Counter(row["verdict"] for row in claims) == {"correct": 15, "dated": 33, "wrong": 5, "opinion": 3}
    for row in claims:
        assert row["verdict"] == "correct" or row["teach"], row["id"]


def test_claims_that_name_another_claim_name_one_that_exists():
    claims = read("claims")
    known = {row["id"] for row in claims}
    for row in claims:
        for name in re.findall(r"\b[CTBWLS]\d\d\b", row["teach"] + " " + row["source"]):
            assert name in known


def test_claims_that_cite_a_table_cite_one_that_exists():
    for row in read("claims"):
        for path in re.findall(r"data/(\w+\.csv)", row["source"]):
            assert (DATA / path).is_file(), row["id"]


def test_milestones_are_in_order_and_stand_at_the_first_day_of_what_is_known():
    rows = read("timeline")
    assert len(rows) == 47
    assert [row["date"] for row in rows] == sorted(row["date"] for row in rows)
    for row in rows:
        if row["dated"] != "day":
            assert row["date"].day == 1, row["milestone"]
        if row["dated"] in ("year", "decade"):
            assert row["date"].month == 1, row["milestone"]


def test_lambda_was_shown_in_2014_and_bills_init_since_2025():
    dates = {row["milestone"]: row["date"] for row in read("timeline")}
    assert dates["AWS Lambda, preview"] == date(2014, 11, 13)
    assert dates["INIT is billed for zip packages on managed runtimes"] == date(2025, 8, 1)
