"""A Kubernetes cluster of EKS with nodes of our own: what stands before the first container is described to it.

Deployment, service, ingress and autoscalers are objects of Kubernetes, written in its own language and sent to the
cluster's own address. They come on top of what is here, and are not counted.
"""

from __future__ import annotations

import boto3

from helpers.cloud import stacks
from helpers.cloud.stacks import containers

NAME = "shop-cluster"
AWS_POLICIES = "arn:aws:iam::aws:policy/"
NODES_NEED = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")


def rights() -> tuple[str, str]:
    """Create a role for the cluster and one for its nodes; return their ARNs."""
    iam = boto3.client("iam")
    trusted = stacks.trust("eks.amazonaws.com")
    cluster = iam.create_role(RoleName="shop-control", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="shop-control", PolicyArn=f"{AWS_POLICIES}AmazonEKSClusterPolicy")
    trusted = stacks.trust("ec2.amazonaws.com")
    node = iam.create_role(RoleName="shop-node", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    for policy in NODES_NEED:
        iam.attach_role_policy(RoleName="shop-node", PolicyArn=f"{AWS_POLICIES}{policy}")
    return cluster, node


def cluster(role: str, subnets: list[str]) -> None:
    """Create the control plane, of a version that we chose and have to raise, and wait for it."""
    eks = boto3.client("eks")
    reach = {"subnetIds": subnets, "endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}
    logs = {"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]}
    eks.create_cluster(name=NAME, version="1.35", roleArn=role, resourcesVpcConfig=reach, logging=logs)
    eks.get_waiter("cluster_active").wait(name=NAME)


def nodes(role: str, subnets: list[str]) -> None:
    """Keep two to six machines for containers, one at a time out of service while they are renewed."""
    eks = boto3.client("eks")
    eks.create_nodegroup(
        clusterName=NAME,
        nodegroupName="nodes",
        scalingConfig={"minSize": 2, "maxSize": 6, "desiredSize": 2},
        diskSize=20,
        subnets=subnets,
        instanceTypes=["t3.medium"],
        amiType="AL2023_x86_64_STANDARD",
        nodeRole=role,
        updateConfig={"maxUnavailable": 1},
    )
    eks.get_waiter("nodegroup_active").wait(clusterName=NAME, nodegroupName="nodes")


def build() -> None:
    """Build it all, as far as it is AWS's API."""
    stacks.not_in_an_account()
    _, subnets = stacks.network()
    containers.repository(NAME)
    for_cluster, for_nodes = rights()
    cluster(for_cluster, subnets)
    nodes(for_nodes, subnets)
    topic = stacks.on_call()
    of = {"ClusterName": NAME}
    stacks.alarm(f"{NAME}-sick", "ContainerInsights", "cluster_failed_node_count", of, topic, Statistic="Maximum")
