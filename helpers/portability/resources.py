"""What becomes of a template's resources elsewhere, and whether a cluster's manifests hang together.

The verdicts on resources are ours, reasoned and not measured: a resource *moves* where the same thing exists elsewhere
and takes the same code, is *rebuilt* where its like exists and is described anew, and has to be *carried over* where it
holds data. What only connects resources of one provider *ends*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fate:
    """What becomes of one type of resource when its provider changes.

    Attributes
    ----------
    verdict : moves, rebuild, carry over or ends
    elsewhere : what takes its place in a Kubernetes cluster
    why : in a few words
    """

    verdict: str
    elsewhere: str
    why: str


FATES = {
    "AWS::Lambda::Function": Fate("moves", "Deployment", "the domain's code, behind another adapter"),
    "AWS::Serverless::Function": Fate("moves", "Deployment", "the domain's code, behind another adapter"),
    "AWS::Lambda::Url": Fate("rebuild", "Service and Ingress", "address, certificate and routes anew"),
    "AWS::ApiGateway::": Fate("rebuild", "Service and Ingress", "routes, authorizers and quotas are described anew"),
    "AWS::ApiGatewayV2::": Fate("rebuild", "Service and Ingress", "routes, authorizers and quotas are described anew"),
    "AWS::Serverless::": Fate("rebuild", "Service and Ingress", "a shorthand of SAM's"),
    "AWS::ElasticLoadBalancingV2::": Fate("rebuild", "Service and Ingress", "routes are described anew"),
    "AWS::DynamoDB::": Fate("carry over", "a database of its own", "another query language, and the data"),
    "AWS::S3::": Fate("carry over", "an object store", "many speak S3's API; copying the data costs egress"),
    "AWS::ElastiCache::": Fate("moves", "StatefulSet with Valkey", "the same protocol"),
    "AWS::SQS::": Fate("rebuild", "a message broker", "other retries, visibility and dead letters"),
    "AWS::SNS::": Fate("rebuild", "a message broker", "other subscriptions and filters"),
    "AWS::Kinesis::": Fate("rebuild", "a log such as Kafka", "other shards and checkpoints"),
    "AWS::Lambda::EventSourceMapping": Fate("rebuild", "a consumer that you write", "polling, batches and retries"),
    "AWS::Events::": Fate("rebuild", "CronJob", "schedules move, patterns have no like"),
    "AWS::Scheduler::": Fate("rebuild", "CronJob", "schedules move, time zones with them"),
    "AWS::StepFunctions::": Fate("rebuild", "a workflow engine", "another language of states"),
    "AWS::Cognito::": Fate("carry over", "an identity provider", "users move, their passwords do not"),
    "AWS::Lambda::Permission": Fate("ends", "", "says which service of AWS may call the function"),
    "AWS::Lambda::": Fate("ends", "", "versions and aliases of functions"),
    "AWS::IAM::": Fate("rebuild", "ServiceAccount and Role", "rights are described anew, and tested anew"),
    "AWS::Logs::": Fate("rebuild", "a log store", "dashboards and alarms with it"),
    "AWS::CloudWatch::": Fate("rebuild", "a metrics store", "dashboards and alarms are described anew"),
}
_UNKNOWN = Fate("rebuild", "?", "not among the types that this table knows")


def fate_of(kind: str) -> Fate:
    """Return what becomes of a type of resource; the longest name that fits decides.

    Examples
    --------
    >>> fate_of("AWS::SQS::Queue").verdict, fate_of("AWS::Lambda::Permission").verdict
    ('rebuild', 'ends')
    """
    fitting = [name for name in FATES if kind == name or (name.endswith("::") and kind.startswith(name))]
    return FATES[max(fitting, key=len)] if fitting else _UNKNOWN


def moves(template: Mapping[str, Any]) -> pd.DataFrame:
    """Say of each type of resource in a template what becomes of it elsewhere.

    Parameters
    ----------
    template : of CloudFormation or SAM, as a dict with ``Resources``

    Returns
    -------
    pandas.DataFrame
        One row a type, in order of appearance: type, count, verdict, elsewhere, why.

    Raises
    ------
    ValueError
        when the template has no resources

    Examples
    --------
    >>> moves({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}).elsewhere[0]
    'a message broker'
    """
    import pandas as pd

    resources = template.get("Resources") if isinstance(template, Mapping) else None
    if not isinstance(resources, Mapping) or not resources:
        raise ValueError("template must have a mapping of Resources")
    kinds = [str(one.get("Type", "")) for one in resources.values()]
    rows = []
    for kind in dict.fromkeys(kinds):
        fate = fate_of(kind)
        rows.append((kind, kinds.count(kind), fate.verdict, fate.elsewhere, fate.why))
    return pd.DataFrame(rows, columns=["type", "count", "verdict", "elsewhere", "why"])


def manifest_faults(manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say what does not hang together in a cluster's manifests; nothing is a good sign, and not a running cluster.

    Checked are the fields that Kubernetes asks for, whether a Deployment finds its own pods, whether a Service finds
    pods and a port of theirs, whether an Ingress finds its Service, and whether a container has an image, resources
    and a probe of readiness.

    Parameters
    ----------
    manifests : the documents of a file, as dicts
    """
    known = [one for one in manifests if one]
    faults = []
    for one in known:
        name = f"{one.get('kind', '?')} {(one.get('metadata') or {}).get('name', '?')}"
        faults += [f"{name}: {field} is missing" for field in ("apiVersion", "kind", "metadata") if not one.get(field)]
    pods = {_name(one): one["spec"]["template"] for one in known if one.get("kind") == "Deployment"}
    for one in known:
        spec, name = one.get("spec") or {}, _name(one)
        if one.get("kind") == "Deployment":
            faults += _deployment_faults(name, spec)
        elif one.get("kind") == "Service":
            faults += _service_faults(name, spec, list(pods.values()))
        elif one.get("kind") == "Ingress":
            faults += _ingress_faults(name, spec, {_name(each) for each in known if each.get("kind") == "Service"})
    return faults


def _name(manifest: Mapping[str, Any]) -> str:
    return str((manifest.get("metadata") or {}).get("name", "?"))


def _deployment_faults(name: str, spec: Mapping[str, Any]) -> list[str]:
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = spec["template"].get("metadata", {}).get("labels") or {}
    faults = [] if wanted and wanted.items() <= labels.items() else [f"Deployment {name} does not find its own pods"]
    for one in spec["template"].get("spec", {}).get("containers", []):
        for field in ("image", "resources", "readinessProbe"):
            if not one.get(field):
                faults.append(f"Deployment {name}: container {one.get('name', '?')} has no {field}")
    return faults


def _service_faults(name: str, spec: Mapping[str, Any], pods: list[Mapping[str, Any]]) -> list[str]:
    wanted = spec.get("selector") or {}
    found = [one for one in pods if wanted and wanted.items() <= (one["metadata"].get("labels") or {}).items()]
    if not found:
        return [f"Service {name} finds no pods"]
    containers = [each for pod in found for each in pod["spec"]["containers"]]
    ports = {
        p for one in containers for port in one.get("ports", []) for p in (port.get("name"), port["containerPort"])
    }
    targets = [port.get("targetPort", port.get("port")) for port in spec.get("ports", [])]
    return [f"Service {name}: no container listens on {one}" for one in targets if one not in ports]


def _ingress_faults(name: str, spec: Mapping[str, Any], services: set[str]) -> list[str]:
    paths = [path for rule in spec.get("rules", []) for path in rule.get("http", {}).get("paths", [])]
    used = [path["backend"]["service"]["name"] for path in paths]
    return [f"Ingress {name}: there is no Service {one}" for one in used if one not in services]
