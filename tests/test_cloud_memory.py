"""What moto would read and nobody asks for doesn't take memory, and is there for who asks."""

from __future__ import annotations

import subprocess
import sys

import boto3

from helpers.cloud import LocalCloud

MOST_MB = 70  # 41 MB measured, and 102 MB when moto reads everything at import
IMPORT = """
import psutil, helpers.cloud.server
before = psutil.Process().memory_info().rss
import moto.ec2.models
print((psutil.Process().memory_info().rss - before) / 1e6)
"""


def test_ec2_takes_little_memory_until_somebody_asks_what_each_region_offers() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    assert float(done.stdout) < MOST_MB


def test_what_a_region_offers_is_told_as_moto_tells_it(cloud: LocalCloud) -> None:
    ec2 = boto3.client("ec2", region_name="eu-central-1")
    asked = {"LocationType": "availability-zone", "Filters": [{"Name": "instance-type", "Values": ["t3.micro"]}]}
    offered = ec2.describe_instance_type_offerings(**asked)["InstanceTypeOfferings"]
    assert {entry["Location"] for entry in offered} == {"eu-central-1a", "eu-central-1b", "eu-central-1c"}
    assert {entry["LocationType"] for entry in offered} == {"availability-zone"}


def test_an_instance_starts_in_a_zone_of_its_region(cloud: LocalCloud) -> None:
    ec2 = boto3.client("ec2", region_name="eu-central-1")
    where = {"Placement": {"AvailabilityZone": "eu-central-1a"}}
    started = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, InstanceType="t3.micro", **where)
    assert started["Instances"][0]["Placement"]["AvailabilityZone"] == "eu-central-1a"
