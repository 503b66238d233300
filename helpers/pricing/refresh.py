"""Ask AWS what it charges today and write that into the price table: ``python -m helpers.pricing.refresh``.

For those with an AWS account; the notebooks never need it. The tool asks the AWS Price List through boto3's
``pricing`` client, compares each rate with ``data/prices.csv``, prints what moved and writes value, date and source of
the rows that AWS answered for. It stands at the edge of this floor: the calculations beside it do no I/O and do not
import it.

It has not been run against AWS by us: it is tested on answers that we wrote in the form of the Price List. So it trusts
little. A product that is missing or ambiguous, tiers with other bounds and a rate that more than doubled or halved are
reported and left alone.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from helpers.tables.reading import DATA, PACKAGE, TableError, read

REGION = "us-east-1"
FILE = "prices.csv"
NO_CREDENTIALS = (
    "no AWS credentials that work ({why}): set them up with `aws configure sso` or `aws configure`, "
    "for an identity that may call pricing:GetProducts; nothing was written"
)
NO_ANSWER = "AWS cannot be reached ({why}): check the network or proxy; nothing was written"


@dataclass(frozen=True)
class Offer:
    """Where the Price List keeps one meter.

    Attributes
    ----------
    service : str
        Service code, for instance ``"AWSLambda"``.
    filters : mapping
        Attributes that AWS matches exactly.
    usage : tuple of str
        Usage types to accept, without the prefix of the Region (``USE1-``); empty for any.
    by_region : bool
        Whether the product carries ``regionCode``; data transfer names its origin instead.
    """

    service: str
    filters: Mapping[str, str] = field(default_factory=dict)
    usage: tuple[str, ...] = ()
    by_region: bool = True

    def question(self) -> dict[str, Any]:
        """Return the arguments of ``get_products``."""
        filters = {**({"regionCode": REGION} if self.by_region else {}), **self.filters}
        matches = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in filters.items()]
        return {"ServiceCode": self.service, "Filters": matches, "FormatVersion": "aws_v1"}

    def accepts(self, product: Mapping[str, Any]) -> bool:
        """Tell whether a product's usage type is one of ours."""
        usage = product["product"]["attributes"].get("usagetype", "")
        return not self.usage or usage.removeprefix("USE1-") in self.usage


def _lambda(group: str) -> Offer:
    return Offer("AWSLambda", {"group": f"AWS-Lambda-{group}"})


def _usage(service: str, *usage: str, **filters: str) -> Offer:
    return Offer(service, filters, usage)


OFFERS: dict[str, Offer] = {
    "lambda.requests": _lambda("Requests"),
    "lambda.duration.x86_64": _lambda("Duration"),
    "lambda.duration.arm64": _lambda("Duration-ARM"),
    "lambda.ephemeral_storage": _lambda("Storage-Duration"),
    "lambda.provisioned.x86_64.allocated": _lambda("Provisioned-Concurrency"),
    "lambda.provisioned.arm64.allocated": _lambda("Provisioned-Concurrency-ARM"),
    "lambda.provisioned.x86_64.duration": _lambda("Duration-Provisioned"),
    "lambda.provisioned.arm64.duration": _lambda("Duration-Provisioned-ARM"),
    "fargate.vcpu.x86_64": _usage("AmazonECS", "Fargate-vCPU-Hours:perCPU"),
    "fargate.memory.x86_64": _usage("AmazonECS", "Fargate-GB-Hours"),
    "fargate.vcpu.arm64": _usage("AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU"),
    "fargate.memory.arm64": _usage("AmazonECS", "Fargate-ARM-GB-Hours"),
    "fargate.ephemeral_storage": _usage("AmazonECS", "Fargate-EphemeralStorage-GB-Hours"),
    "eks.cluster": _usage("AmazonEKS", "AmazonEKS-Hours:perCluster"),
    "eks.cluster_extended": _usage("AmazonEKS", "AmazonEKS-Hours:extendedSupport"),
    "alb.hours": _usage("AWSELB", "LoadBalancerUsage", productFamily="Load Balancer-Application"),
    "alb.lcu": _usage("AWSELB", "LCUUsage", productFamily="Load Balancer-Application"),
    "apigateway.http.requests": _usage("AmazonApiGateway", "ApiGatewayHttpRequest"),
    "apigateway.rest.requests": _usage("AmazonApiGateway", "ApiGatewayRequest"),
    "s3.requests.write": _usage("AmazonS3", "Requests-Tier1", group="S3-API-Tier1"),
    "s3.requests.read": _usage("AmazonS3", "Requests-Tier2", group="S3-API-Tier2"),
    "s3.storage": _usage("AmazonS3", "TimedStorage-ByteHrs", volumeType="Standard"),
    "sqs.standard.requests": _usage("AWSQueueService", "Requests-RBP", "Requests-Tier1", queueType="Standard"),
    "sqs.fifo.requests": _usage(
        "AWSQueueService", "Requests-FIFO-RBP", "Requests-FIFO-Tier1", queueType="FIFO (first-in, first-out)"
    ),
    "sns.publish": _usage("AmazonSNS", "Requests-Tier1"),
    "sns.http_delivery": _usage("AmazonSNS", "DeliveryAttempts-HTTP"),
    "dynamodb.write_units": _usage("AmazonDynamoDB", "WriteRequestUnits"),
    "dynamodb.read_units": _usage("AmazonDynamoDB", "ReadRequestUnits"),
    "dynamodb.storage": _usage("AmazonDynamoDB", "TimedStorage-ByteHrs"),
    "cloudwatch.logs.ingestion": _usage("AmazonCloudWatch", "VendedLog-Bytes"),
    "cloudwatch.logs.storage": _usage("AmazonCloudWatch", "TimedStorage-ByteHrs"),
    "kinesis.shards": _usage("AmazonKinesis", group="Provisioned shard hour", operation="shardHourStorage"),
    "kinesis.put_units": _usage("AmazonKinesis", group="Payload Units", operation="PutRequest"),
    "stepfunctions.standard.transitions": _usage("AmazonStates", group="SFN-StateTransitions"),
    "ebs.gp3": _usage("AmazonEC2", "EBS:VolumeUsage.gp3", volumeApiName="gp3"),
    "vpc.nat_gateway.hours": _usage("AmazonEC2", "NatGateway-Hours", productFamily="NAT Gateway"),
    "vpc.nat_gateway.data": _usage("AmazonEC2", "NatGateway-Bytes", productFamily="NAT Gateway"),
    "vpc.public_ipv4": _usage("AmazonVPC", "PublicIPv4:InUseAddress"),
    "vpc.interface_endpoint": _usage("AmazonVPC", "VpcEndpoint-Hours", endpointType="PrivateLink"),
    "egress": Offer(
        "AWSDataTransfer",
        {"transferType": "AWS Outbound", "fromLocation": "US East (N. Virginia)"},
        ("DataTransfer-Out-Bytes",),
        by_region=False,
    ),
}


def offer_for(meter: str) -> Offer | None:
    """Return where AWS lists a meter, None if this tool does not know."""
    instance = re.fullmatch(r"ec2\.([a-z0-9]+\.[a-z0-9]+)", meter)
    if not instance:
        return OFFERS.get(meter)
    filters = {
        "instanceType": instance[1],
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    return Offer("AmazonEC2", filters, (f"BoxUsage:{instance[1]}",))


@dataclass(frozen=True)
class Answer:
    """What AWS charges for one meter: the rate from each amount of use on, when published, for which service."""

    rates: Mapping[int, Decimal]
    published: date
    service: str


class NoAnswerError(LookupError):
    """AWS lists no such product, or several that disagree."""


def ask(client: Any, offer: Offer, known: dict[str, list[Any]] | None = None) -> Answer:
    """Ask the Price List for one meter.

    Parameters
    ----------
    client : boto3's ``pricing`` client
    offer : where AWS lists the meter
    known : answers so far; meters that share a question, such as those of Fargate, are asked once

    Raises
    ------
    NoAnswerError
        If no product matches, or several with different rates.
    """
    question, known = offer.question(), {} if known is None else known
    key = json.dumps(question)
    if key not in known:
        pages = client.get_paginator("get_products").paginate(**question)
        known[key] = [json.loads(text) for page in pages for text in page["PriceList"]]
    answers = [Answer(_rates(p), _published(p), offer.service) for p in known[key] if offer.accepts(p)]
    answers = [answer for answer in answers if answer.rates]
    if not answers:
        raise NoAnswerError("AWS lists no such product")
    if any(answer.rates != answers[0].rates for answer in answers):
        raise NoAnswerError(f"{len(answers)} products match and their rates differ")
    return answers[0]


def _rates(product: Mapping[str, Any]) -> dict[int, Decimal]:
    """Return what the newest on-demand term charges, by the use from which each rate holds; free ranges left out."""
    terms = product.get("terms", {}).get("OnDemand", {}).values()
    if not terms:
        return {}
    newest = max(terms, key=lambda term: term.get("effectiveDate", ""))
    rates = {}
    for dimension in newest["priceDimensions"].values():
        usd = Decimal(dimension["pricePerUnit"].get("USD", "0"))
        if usd > 0:
            rates[int(Decimal(dimension.get("beginRange") or "0"))] = usd
    return dict(sorted(rates.items()))


def _published(product: Mapping[str, Any]) -> date:
    return date.fromisoformat(product["publicationDate"][:10])


@dataclass(frozen=True)
class Finding:
    """What the comparison says about one row: what AWS charges now, or the problem why that cannot be said."""

    slug: str
    old: Decimal
    new: Decimal = Decimal(0)
    published: date = date.min
    service: str = ""
    problem: str = ""

    @property
    def moved(self) -> bool:
        """Whether AWS charges another rate than the table says."""
        return not self.problem and self.new != self.old


def compare(rows: Sequence[Mapping[str, str]], client: Any) -> Iterator[Finding]:
    """Yield a finding for every row of the price table that this tool knows how to ask for."""
    meters: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        if row["kind"] == "usd" and row["region"] == REGION:
            meters.setdefault(row["meter"], []).append(row)
    known: dict[str, list[Any]] = {}
    for meter, group in meters.items():
        offer = offer_for(meter)
        if offer is None:
            continue
        try:
            answer = ask(client, offer, known)
        except NoAnswerError as error:
            yield from (Finding(row["slug"], Decimal(row["value"]), problem=str(error)) for row in group)
            continue
        yield from (_finding(row, group, answer) for row in group)


def _finding(row: Mapping[str, str], group: Sequence[Mapping[str, str]], answer: Answer) -> Finding:
    """Compare one row with AWS's answer for its meter."""
    slug, old = row["slug"], Decimal(row["value"])
    if row["tier_from"]:
        ours = sorted(int(tier["tier_from"]) for tier in group)
        if ours != sorted(answer.rates):
            theirs = ", ".join(map(str, answer.rates))
            return Finding(slug, old, problem=f"AWS's tiers begin at {theirs}, ours at {', '.join(map(str, ours))}")
        rate = answer.rates[int(row["tier_from"])]
    else:
        rate = next(iter(answer.rates.values()))  # the first that is not free
    new = rate * int(row["per"])
    if not old / 2 <= new <= old * 2:
        return Finding(slug, old, problem=f"AWS says {_plain(new)}, too far from {_plain(old)}: check it by hand")
    return Finding(slug, old, new, answer.published, answer.service)


def updated(rows: Iterable[Mapping[str, str]], findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return the rows with AWS's values, dates and source where a finding allows it.

    A row that AWS confirms keeps its former source as the second one. One that moved, or that no source had stated
    before (unverified, assumption), has AWS's alone and is marked so.
    """
    good = {finding.slug: finding for finding in findings if not finding.problem}
    return [_updated(row, good[row["slug"]]) if row["slug"] in good else dict(row) for row in rows]


def _updated(row: Mapping[str, str], finding: Finding) -> dict[str, str]:
    how = "asked through the AWS API"
    former = row["source2"] if row["source"].endswith(how) else row["source"]
    second = "" if finding.moved or row["flag"] in ("unverified", "assumption") else former
    return {
        **row,
        "value": _plain(finding.new) if finding.moved else row["value"],
        "as_of": finding.published.isoformat(),
        "dated": "day",
        "source": f"AWS Price List, {finding.service}, {REGION}, published {finding.published}, {how}",
        "source2": second,
        "flag": "" if second else "single-sourced",
    }


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def load(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the price table as text, after checking that it is well-formed."""
    read("prices", folder)
    with open(folder / FILE, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def save(rows: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Replace the price table in one step, once the new one has passed the same checks as on loading."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".refresh-") as trial:
        (Path(trial) / FILE).write_text(text.getvalue(), encoding="utf-8", newline="")
        shutil.copy(folder / PACKAGE, trial)
        read("prices", trial)
        shutil.copymode(folder / FILE, Path(trial) / FILE)
        os.replace(Path(trial) / FILE, folder / FILE)


def report(findings: Sequence[Finding], rows: int, out: TextIO) -> None:
    """Print what moved, what could not be compared, and how much of the table was asked for."""
    moved = [finding for finding in findings if finding.moved]
    trouble = [finding for finding in findings if finding.problem]
    for finding in moved:
        change = (finding.new / finding.old - 1) * 100
        print(f"{finding.slug}: {_plain(finding.old)} → {_plain(finding.new)} ({change:+.1f}%)", file=out)
    for finding in trouble:
        print(f"{finding.slug}: left alone, {finding.problem}", file=out)
    same = len(findings) - len(moved) - len(trouble)
    print(
        f"{len(moved)} moved, {same} unchanged, {len(trouble)} left alone; "
        f"{rows - len(findings)} of {rows} rows are not asked for (free tiers, discounts, physical costs and others)",
        file=out,
    )


def refresh(client: Any, folder: Path = DATA, *, dry_run: bool = False, out: TextIO) -> int:
    """Compare, report and, unless ``dry_run``, write. Return 0, or 1 if any row was left alone."""
    rows = load(folder)
    findings = list(compare(rows, client))
    report(findings, len(rows), out)
    new = updated(rows, findings)
    if dry_run:
        print("nothing written (--dry-run)", file=out)
    elif new == rows:
        print(f"{FILE} is up to date", file=out)
    else:
        save(new, folder)
        print(f"{FILE} written; run the tests, then read the notes of the rows that moved", file=out)
    return 1 if any(finding.problem for finding in findings) else 0


def main(arguments: Sequence[str] | None = None, *, client: Any = None, folder: Path = DATA) -> int:
    """Run the command line; return its exit code: 0 done, 1 some rows were left alone, 2 AWS did not answer."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.pricing.refresh",
        description="Ask the AWS Price List for today's rates, print what moved and update data/prices.csv. "
        "Needs an AWS account; asking is free of charge. Not run against AWS by the authors.",
        epilog="Exit code: 0 done, 1 some rows were left alone, 2 AWS did not answer and nothing was written.",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what moved, write nothing")
    options = parser.parse_args(arguments)

    from botocore import exceptions as aws

    try:
        return refresh(client or _client(), folder, dry_run=options.dry_run, out=sys.stdout)
    except (
        aws.NoCredentialsError,
        aws.PartialCredentialsError,
        aws.CredentialRetrievalError,
        aws.TokenRetrievalError,
        aws.SSOError,
        aws.ProfileNotFound,
    ) as error:
        line = NO_CREDENTIALS.format(why=_first_line(error))
    except aws.ClientError as error:  # AWS answered, and refused
        line = NO_CREDENTIALS.format(why=error.response["Error"]["Code"])
    except aws.BotoCoreError as error:
        line = NO_ANSWER.format(why=_first_line(error))
    except TableError as error:
        line = f"{error}; nothing was written"
    print(line, file=sys.stderr)
    return 2


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def _client() -> Any:
    """Return a client for the real Price List, whatever a running local cloud has put into the environment."""
    import boto3
    from botocore.config import Config

    settings = Config(
        ignore_configured_endpoint_urls=True, connect_timeout=10, retries={"mode": "standard", "max_attempts": 3}
    )
    return boto3.client("pricing", region_name=REGION, config=settings)


if __name__ == "__main__":
    raise SystemExit(main())
