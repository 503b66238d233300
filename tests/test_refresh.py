"""The price refresh, on answers in the form of the AWS Price List: AWS itself is never asked here."""

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ProfileNotFound
from botocore.stub import Stubber

from helpers import tables
from helpers.pricing import refresh
from helpers.tables.reading import DATA, TableError


def product(usage, *rates, sku="ABCDEFGHJKLMNPQR", published="2026-11-20T18:21:30Z", **attributes):
    """Give one entry of a ``PriceList``: JSON text, the rates with the use from which each holds."""
    dimensions = {}
    for place, (begin, usd) in enumerate(rates):
        end = rates[place + 1][0] if place + 1 < len(rates) else "Inf"
        dimensions[f"{sku}.JRTCKXETXF.{place:010d}"] = {
            "unit": "Requests",
            "beginRange": str(begin),
            "endRange": str(end),
            "description": f"${usd} for {usage}",
            "appliesTo": [],
            "rateCode": f"{sku}.JRTCKXETXF.{place:010d}",
            "pricePerUnit": {"USD": usd},
        }
    return json.dumps(
        {
            "product": {
                "productFamily": "Serverless",
                "attributes": {
                    "regionCode": "us-east-1",
                    "usagetype": usage,
                    "locationType": "AWS Region",
                    "location": "US East (N. Virginia)",
                    **attributes,
                },
                "sku": sku,
            },
            "serviceCode": "AWSLambda",
            "terms": {
                "OnDemand": {
                    f"{sku}.JRTCKXETXF": {
                        "priceDimensions": dimensions,
                        "sku": sku,
                        "effectiveDate": "2026-11-01T00:00:00Z",
                        "offerTermCode": "JRTCKXETXF",
                        "termAttributes": {},
                    }
                }
            },
            "version": "20261120182130",
            "publicationDate": published,
        }
    )


class PriceList:
    """Stands in for boto3's client: answers each question from our own table, apart from what a test replaces."""

    def __init__(self, **replaced):
        self.asked = []
        self.by_question = {}
        for meter in {row.meter for row in tables.price_list().values() if row.kind == "usd"}:
            offer = refresh.offer_for(meter)
            if offer:
                usage = offer.usage[0] if offer.usage else "Request"
                rates = [(t.tier_from or 0, f"{Decimal(repr(t.value)) / t.per:f}") for t in tables.tiers(meter)]
                answer = [product(usage, *rates)]
                products = self.by_question.setdefault(self.key(offer.question()), [])
                products += replaced.get(meter.replace(".", "_"), answer)

    @staticmethod
    def key(question):
        return json.dumps([question["ServiceCode"], question["Filters"]])

    def get_paginator(self, operation):
        assert operation == "get_products"
        return self

    def paginate(self, **question):
        self.asked.append(question)
        return [{"PriceList": self.by_question[self.key(question)]}]


class Failing:
    """Stands in for a client whose every call fails."""

    def __init__(self, error):
        self.error = error

    def get_paginator(self, operation):
        raise self.error


@pytest.fixture
def folder(tmp_path):
    for file in ("prices.csv", "datapackage.json"):
        shutil.copy(DATA / file, tmp_path)
    return tmp_path


@pytest.fixture
def stubbed():
    client = boto3.client("pricing", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def run(folder, client, *arguments):
    return refresh.main(list(arguments), client=client, folder=folder)


# Asking


def test_the_question_names_service_region_and_group(stubbed):
    client, stubber = stubbed
    expected = {
        "ServiceCode": "AWSLambda",
        "Filters": [
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"},
            {"Type": "TERM_MATCH", "Field": "group", "Value": "AWS-Lambda-Requests"},
        ],
        "FormatVersion": "aws_v1",
    }
    stubber.add_response("get_products", {"PriceList": [product("Request", (0, "0.0000002000"))]}, expected)
    answer = refresh.ask(client, refresh.OFFERS["lambda.requests"])
    assert answer.rates == {0: Decimal("0.0000002")}
    assert answer.published.isoformat() == "2026-11-20"


def test_an_answer_of_several_pages_is_read_to_its_end(stubbed):
    client, stubber = stubbed
    offer = refresh.OFFERS["fargate.vcpu.x86_64"]
    question = offer.question()
    windows = product("USE1-Fargate-Windows-vCPU-Hours:perCPU", (0, "0.046552"))
    linux = product("USE1-Fargate-vCPU-Hours:perCPU", (0, "0.0404800000"))
    stubber.add_response("get_products", {"PriceList": [windows], "NextToken": "more"}, question)
    stubber.add_response("get_products", {"PriceList": [linux]}, {**question, "NextToken": "more"})
    assert refresh.ask(client, offer).rates == {0: Decimal("0.04048")}


def test_tiers_come_back_by_the_use_from_which_they_hold(stubbed):
    client, stubber = stubbed
    rates = [(15_000_000_000, "0.0000133334"), (0, "0.0000166667"), (6_000_000_000, "0.0000150000")]
    stubber.add_response("get_products", {"PriceList": [product("Lambda-GB-Second", *rates)]})
    answer = refresh.ask(client, refresh.OFFERS["lambda.duration.x86_64"])
    assert list(answer.rates) == [0, 6_000_000_000, 15_000_000_000]


def test_a_free_range_is_not_a_rate(stubbed):
    client, stubber = stubbed
    storage = product("TimedStorage-ByteHrs", (0, "0.0000000000"), (25, "0.2500000000"))
    stubber.add_response("get_products", {"PriceList": [storage]})
    assert refresh.ask(client, refresh.OFFERS["dynamodb.storage"]).rates == {25: Decimal("0.25")}


def test_two_products_with_different_rates_are_no_answer(stubbed):
    client, stubber = stubbed
    pair = [product("Request", (0, "0.0000002")), product("Request", (0, "0.0000006"))]
    stubber.add_response("get_products", {"PriceList": pair})
    with pytest.raises(refresh.NoAnswerError, match="2 products match and their rates differ"):
        refresh.ask(client, refresh.OFFERS["lambda.requests"])


def test_an_instance_type_is_asked_for_linux_on_shared_hardware():
    offer = refresh.offer_for("ec2.m7g.large")
    filters = {entry["Field"]: entry["Value"] for entry in offer.question()["Filters"]}
    assert filters["instanceType"] == "m7g.large"
    assert (filters["operatingSystem"], filters["tenancy"], filters["capacitystatus"]) == ("Linux", "Shared", "Used")


def test_commitments_and_physical_costs_are_not_asked_for():
    for meter in ("ec2.t3.medium.reserved_1y", "ec2.savings_plan_1y", "physical.server", "lambda_microvm.vcpu"):
        assert refresh.offer_for(meter) is None


def test_every_meter_that_the_tool_knows_has_a_price():
    meters = {row.meter for row in tables.price_list().values() if row.kind == "usd"}
    assert set(refresh.OFFERS) <= meters


def test_the_main_rows_of_a_bill_are_covered():
    asked = [slug for slug, row in tables.price_list().items() if row.kind == "usd" and refresh.offer_for(row.meter)]
    assert len(asked) == 77
    for service in ("lambda.", "fargate.", "ec2.", "eks.", "alb.", "apigateway.", "s3.", "sqs.", "sns.", "dynamodb."):
        assert any(slug.startswith(service) for slug in asked), service


def test_nothing_large_is_asked_for_without_a_filter_beside_the_region():
    offers = [*refresh.OFFERS.values(), refresh.offer_for("ec2.t3.micro")]
    for offer in offers:
        if offer.service in ("AmazonEC2", "AmazonS3", "AWSDataTransfer"):
            assert offer.filters, offer


def test_meters_that_share_a_question_are_asked_once(folder):
    client = PriceList()
    run(folder, client)
    assert len(client.asked) == len({client.key(question) for question in client.asked})
    assert sum(question["ServiceCode"] == "AmazonECS" for question in client.asked) == 1


# Writing


def test_what_moved_is_printed_and_written_with_its_date_and_source(folder, capsys):
    client = PriceList(lambda_requests=[product("Request", (0, "0.0000002500"))])
    assert run(folder, client) == 0
    out = capsys.readouterr().out
    assert "lambda.requests: 0.2 → 0.25 (+25.0%)" in out
    assert "1 moved, 76 unchanged, 0 left alone; 45 of 122 rows are not asked for" in out
    row = tables.price_list(folder)["lambda.requests"]
    assert (row.value, row.per, row.as_of.isoformat()) == (0.25, 1_000_000, "2026-11-20")
    assert row.source == "AWS Price List, AWSLambda, us-east-1, published 2026-11-20, asked through the AWS API"
    assert (row.source2, row.flag) == ("", "single-sourced")


def test_a_rate_that_aws_confirms_keeps_its_value_and_former_source(folder):
    before = tables.price("ec2.t3.nano")
    assert before.flag == "single-sourced"
    run(folder, PriceList())
    row = tables.price_list(folder)["ec2.t3.nano"]
    assert (row.value, row.flag) == (before.value, "")
    assert row.source.startswith("AWS Price List, AmazonEC2")
    assert row.source2 == before.source


def test_a_rate_from_memory_has_one_source_once_aws_has_stated_it(folder):
    run(folder, PriceList())
    row = tables.price_list(folder)["egress.tier4"]
    assert (row.source2, row.flag) == ("", "single-sourced")


def test_rows_that_are_not_asked_for_stay_as_they_are(folder):
    run(folder, PriceList())
    for slug in ("lambda.free.requests", "physical.server", "fargate.spot_discount", "lambda.snapstart.cache"):
        assert tables.price_list(folder)[slug] == tables.price(slug)


def test_a_second_refresh_changes_no_byte(folder, capsys):
    run(folder, PriceList())
    first = (folder / "prices.csv").read_bytes()
    run(folder, PriceList())
    assert (folder / "prices.csv").read_bytes() == first
    assert "prices.csv is up to date" in capsys.readouterr().out


def test_a_dry_run_prints_and_writes_nothing(folder, capsys):
    before = (folder / "prices.csv").read_bytes()
    client = PriceList(alb_lcu=[product("LCUUsage", (0, "0.0085"))])
    assert run(folder, client, "--dry-run") == 0
    out = capsys.readouterr().out
    assert "alb.lcu: 0.008 → 0.0085" in out
    assert "nothing written (--dry-run)" in out
    assert (folder / "prices.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("meter", "answer", "problem"),
    [
        ("eks_cluster", [], "AWS lists no such product"),
        ("eks_cluster", [product("Something-Else", (0, "0.10"))], "AWS lists no such product"),
        ("eks_cluster", [product("AmazonEKS-Hours:perCluster", (0, "1.00"))], "AWS says 1, too far from 0.1"),
        (
            "lambda_duration_x86_64",
            [product("Lambda-GB-Second", (0, "0.0000166667"), (7_000_000_000, "0.000015"))],
            "AWS's tiers begin at 0, 7000000000, ours at 0, 6000000000, 15000000000",
        ),
    ],
)
def test_a_doubtful_answer_is_reported_and_its_row_left_alone(folder, capsys, meter, answer, problem):
    assert run(folder, PriceList(**{meter: answer})) == 1
    assert f"left alone, {problem}" in capsys.readouterr().out
    slug = {"eks_cluster": "eks.cluster", "lambda_duration_x86_64": "lambda.duration.x86_64.tier1"}[meter]
    assert tables.price_list(folder)[slug] == tables.price(slug)
    assert tables.price_list(folder)["lambda.requests"].as_of.isoformat() == "2026-11-20"


def test_a_table_that_would_not_load_replaces_nothing(folder):
    rows = refresh.load(folder)
    before = (folder / "prices.csv").read_bytes()
    with pytest.raises(TableError, match=r"prices\.csv, row 2, column value"):
        refresh.save([{**rows[0], "value": "much"}, *rows[1:]], folder)
    assert (folder / "prices.csv").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["datapackage.json", "prices.csv"]


# When AWS does not answer


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoCredentialsError(), "no AWS credentials that work (Unable to locate credentials): set them up with"),
        (
            ProfileNotFound(profile="work"),
            "no AWS credentials that work (The config profile (work) could not be found)",
        ),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS cannot be reached (Could not connect"),
    ],
)
def test_without_credentials_or_network_one_line_says_so_and_nothing_is_written(folder, capsys, error, line):
    before = (folder / "prices.csv").read_bytes()
    assert run(folder, Failing(error)) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(line)
    assert captured.err.count("\n") == 1
    assert captured.err.strip().endswith("nothing was written")
    assert captured.out == ""
    assert (folder / "prices.csv").read_bytes() == before


def test_a_refusal_by_aws_is_named(folder, capsys, stubbed):
    client, stubber = stubbed
    stubber.add_client_error("get_products", "ExpiredTokenException", "The security token is expired")
    assert run(folder, client) == 2
    assert "no AWS credentials that work (ExpiredTokenException)" in capsys.readouterr().err


def test_a_damaged_price_table_is_named_before_aws_is_asked(folder, capsys):
    (folder / "prices.csv").write_text("slug\n")
    client = PriceList()
    assert run(folder, client) == 2
    assert "prices.csv, row 1, column meter" in capsys.readouterr().err
    assert client.asked == []


def test_the_command_without_credentials_ends_with_code_two(tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }
    command = [sys.executable, "-m", "helpers.pricing.refresh", "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=DATA.parent)
    assert done.returncode == 2
    assert "aws configure" in done.stderr


def test_help_says_what_it_needs_and_that_we_have_not_run_it_against_aws(capsys):
    with pytest.raises(SystemExit) as end:
        refresh.main(["--help"])
    assert end.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "--dry-run" in out
    assert "Needs an AWS account" in out
    assert "Not run against AWS by the authors" in out


def test_no_calculation_imports_the_refresh():
    code = "import sys; import helpers.pricing; print('helpers.pricing.refresh' in sys.modules, 'boto3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
