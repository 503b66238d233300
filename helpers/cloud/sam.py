"""A SAM template, as its command line brings it to AWS: package the code, transform, hand the result to CloudFormation.

The transformation is AWS's own (aws-sam-translator, which runs in CloudFormation when a template names it); on this
machine it is done before, because moto doesn't. What CloudFormation on this machine has no model of, function URLs
among it, is left out and named.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from helpers.cloud.package import zip_function

# What moto creates from a template, of what SAM makes of functions, tables, queues and schedules.
KNOWN = {
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
}


@dataclass(frozen=True)
class Stack:
    """What came of a template.

    Attributes
    ----------
    name : of the stack
    outputs : as the template names them
    left_out : logical names of resources that this machine's CloudFormation can't make
    """

    name: str
    outputs: Mapping[str, str]
    left_out: tuple[str, ...]


def read_template(path: Path) -> dict[str, Any]:
    """Return a template as a dict; its short forms, ``!Ref`` and the like, are spelled out.

    Parameters
    ----------
    path : of the file
    """
    from samtranslator.yaml_helper import yaml_parse

    return yaml_parse(path.read_text(encoding="utf-8"))


def read_documents(text: str) -> list[dict[str, Any]]:
    """Return the documents of a YAML file, such as a cluster's manifests."""
    import yaml

    return [one for one in yaml.safe_load_all(text) if one]


def transformed(template: Mapping[str, Any], *, bucket: str = "code", key: str = "package.zip") -> dict[str, Any]:
    """Return the CloudFormation template that SAM makes of one of its own.

    Parameters
    ----------
    template : as :func:`read_template` gives it
    bucket, key : where the code lies that ``CodeUri`` names as a folder
    """
    from samtranslator.translator.transform import transform

    # It counts for AWS what is used and warns, at some later moment, that nobody has fetched the counts.
    logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
    # The translator writes into what it is given.
    copy = _copied(template)
    where = {"Bucket": bucket, "Key": key}
    places = [one["Properties"] for one in copy["Resources"].values() if one["Type"] == "AWS::Serverless::Function"]
    for properties in (*places, copy.get("Globals", {}).get("Function", {})):
        if isinstance(properties.get("CodeUri"), str):
            properties["CodeUri"] = where
    return transform(copy, {}, _NoManagedPolicies())


def deploy(path: Path, *, stack: str, bucket: str = "sam-packages") -> Stack:
    """Package the folder of a template, transform the template, and create the stack or bring it up to date.

    Parameters
    ----------
    path : of the template; its folder is the code
    stack : name of the stack
    bucket : for the package; made where it isn't there
    """
    s3, formation = boto3.client("s3"), boto3.client("cloudformation")
    package = zip_function(path.parent)
    key = f"{hashlib.sha256(package).hexdigest()[:32]}.zip"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=package)
    made = transformed(read_template(path), bucket=bucket, key=key)
    left_out = tuple(name for name, one in made["Resources"].items() if one["Type"] not in KNOWN)
    made["Resources"] = {name: one for name, one in made["Resources"].items() if name not in left_out}
    _create(formation, stack, made)
    outputs = formation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return Stack(stack, {one["OutputKey"]: one["OutputValue"] for one in outputs}, left_out)


def _create(formation: Any, stack: str, template: Mapping[str, Any]) -> None:
    what = {"StackName": stack, "TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_IAM"]}
    there = {one["StackName"] for one in formation.describe_stacks()["Stacks"]}
    (formation.update_stack if stack in there else formation.create_stack)(**what)


def _copied(value: Any) -> Any:
    """Copy dicts and lists, down to the last: the reader's own kinds of dict included."""
    if isinstance(value, Mapping):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


class _NoManagedPolicies:
    """Stands for the list of AWS's managed policies, which names of policies alone would ask for."""

    def load(self) -> dict[str, str]:
        return {}
