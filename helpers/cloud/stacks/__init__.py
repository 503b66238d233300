"""The same small HTTP service, built four times with plain boto3: what a team calls before anybody can visit it.

Each module has a ``build`` of a page, in steps with names of their own: :mod:`~helpers.cloud.stacks.instances` (an
Auto Scaling group behind a load balancer), :mod:`~helpers.cloud.stacks.containers` (ECS on Fargate),
:mod:`~helpers.cloud.stacks.kubernetes` (an EKS cluster with nodes) and :mod:`~helpers.cloud.stacks.function` (Lambda
behind a URL). They are made to be read: ``source(instances.group)`` gives a step's text. On the local cloud only the
function answers; the others are what AWS's control plane would hold.

They are as small as their models allow, in the default network, with plain HTTP, two alarms each, and nothing that
a careful team would be ashamed of: least privilege, logs with an end, health checks, two zones.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import boto3

from helpers.cloud.target import OnlyOnThisMachine

LOG_DAYS = 14


def not_in_an_account() -> None:
    """Refuse to build in a real account what would cost money by the hour, and that nobody would remove.

    Raises
    ------
    OnlyOnThisMachine
        where ``WORKSHOP_TARGET`` names a real account
    """
    if os.environ.get("WORKSHOP_TARGET", "").strip().lower() == "aws":
        raise OnlyOnThisMachine(
            "Machines, containers and clusters cost money by the hour: this build runs on this machine only."
        )


def source(step: Callable[..., Any]) -> str:
    """Return the text of a step."""
    return inspect.getsource(step).rstrip()


def document(*statements: dict[str, Any]) -> str:
    """Return a policy of these statements, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


def trust(service: str) -> str:
    """Return the policy by which a service may take on a role."""
    return document({"Action": "sts:AssumeRole", "Principal": {"Service": service}})


def network() -> tuple[str, list[str]]:
    """Return the default network and two of its subnets, in two zones."""
    ec2 = boto3.client("ec2")
    only_default = [{"Name": "is-default", "Values": ["true"]}]
    vpc = ec2.describe_vpcs(Filters=only_default)["Vpcs"][0]["VpcId"]
    found = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    by_zone = {one["AvailabilityZone"]: one["SubnetId"] for one in found}
    return vpc, [by_zone[zone] for zone in sorted(by_zone)[:2]]


def log_group(name: str) -> str:
    """Create a log group whose messages end after some days; return its name."""
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=LOG_DAYS)
    return name


def security_groups(vpc: str, port: int, name: str) -> tuple[str, str]:
    """Create two groups: the world may speak to the first, and only the first to the second, on its port."""
    ec2 = boto3.client("ec2")
    about = {"VpcId": vpc, "Description": name}
    door = ec2.create_security_group(GroupName=f"{name}-door", **about)["GroupId"]
    work = ec2.create_security_group(GroupName=f"{name}-work", **about)["GroupId"]
    world = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    inner = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": door}]}
    ec2.authorize_security_group_ingress(GroupId=door, IpPermissions=[world])
    ec2.authorize_security_group_ingress(GroupId=work, IpPermissions=[inner])
    return door, work


def load_balancer(subnets: Iterable[str], door: str, name: str) -> str:
    """Create a load balancer that the world reaches; return its ARN."""
    elb = boto3.client("elbv2")
    settings = {"Subnets": list(subnets), "SecurityGroups": [door], "Scheme": "internet-facing", "Type": "application"}
    return elb.create_load_balancer(Name=name, **settings)["LoadBalancers"][0]["LoadBalancerArn"]


def target_group(vpc: str, port: int, kind: str, name: str) -> str:
    """Create the group of targets that share the requests, with its health check; return its ARN."""
    elb = boto3.client("elbv2")
    health = {"HealthCheckProtocol": "HTTP", "HealthCheckPath": "/health", "HealthCheckIntervalSeconds": 10}
    health |= {"HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 3}
    made = elb.create_target_group(
        Name=name, Protocol="HTTP", Port=port, VpcId=vpc, TargetType=kind, Matcher={"HttpCode": "200"}, **health
    )
    group = made["TargetGroups"][0]["TargetGroupArn"]
    drain = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=drain)
    return group


def listener(balancer: str, group: str) -> None:
    """Send what the load balancer hears on to the group."""
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    boto3.client("elbv2").create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)


def alarm(name: str, namespace: str, metric: str, dimensions: dict[str, str], topic: str, **more: Any) -> None:
    """Tell a topic when a metric's sum (or another statistic) was one or more in any of the last five minutes."""
    settings = {"Statistic": "Sum", "Period": 60, "EvaluationPeriods": 5, "DatapointsToAlarm": 1, "Threshold": 1}
    settings |= {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching", **more}
    of = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace=namespace, MetricName=metric, Dimensions=of, AlarmActions=[topic], **settings
    )


def door_alarms(balancer: str, group: str, name: str) -> None:
    """Watch a load balancer: answers that are errors of the service, and targets that are sick."""
    topic, of = on_call(), {"LoadBalancer": balancer.partition("/")[2]}
    alarm(f"{name}-errors", "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", of, topic)
    sick = of | {"TargetGroup": group.rpartition(":")[2]}
    alarm(f"{name}-sick", "AWS/ApplicationELB", "UnHealthyHostCount", sick, topic, Statistic="Maximum")


def on_call() -> str:
    """Create the topic that alarms speak to; return its ARN."""
    return boto3.client("sns").create_topic(Name="on-call")["TopicArn"]
