"""The shop's HTTP service in containers: ECS on Fargate, which shows no machine, and a door in front.

The image itself is built and pushed with a tool such as Docker, which is no call of AWS's API and isn't counted.
"""

from __future__ import annotations

import json

import boto3

from helpers.cloud import stacks

NAME, PORT = "shop-tasks", 8080
KEEP_TEN = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
            "action": {"type": "expire"},
        }
    ]
}


def repository(name: str = NAME) -> tuple[str, str]:
    """Create the store of our images, which looks each over for known flaws; return its ARN and address."""
    ecr = boto3.client("ecr")
    made = ecr.create_repository(
        repositoryName=name, imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True}
    )["repository"]
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(KEEP_TEN))
    return made["repositoryArn"], made["repositoryUri"]


def rights(repository_arn: str) -> tuple[str, str]:
    """Create two roles: one with which ECS fetches image and writes logs, one for our code; return their ARNs."""
    iam, trust = boto3.client("iam"), stacks.trust("ecs-tasks.amazonaws.com")
    start = iam.create_role(RoleName="shop-start", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    fetch = {"Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": repository_arn}
    token = {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    logs = {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "arn:aws:logs:*:*:log-group:/shop/*"}
    policy = stacks.document(fetch, token, logs)
    iam.put_role_policy(RoleName="shop-start", PolicyName="work", PolicyDocument=policy)
    task = iam.create_role(RoleName="shop-task", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    return start, task


def task_definition(address: str, start: str, task: str) -> str:
    """Say what a task is: image, size, port, health, logs; return the definition's ARN."""
    logs = {"awslogs-group": "/shop/tasks", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "shop"}
    container = {
        "name": "shop",
        "image": f"{address}:2026-11-25",
        "essential": True,
        "portMappings": [{"containerPort": PORT}],
        "logConfiguration": {"logDriver": "awslogs", "options": logs},
        "readonlyRootFilesystem": True,
    }
    made = boto3.client("ecs").register_task_definition(
        family=NAME,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=start,
        taskRoleArn=task,
        containerDefinitions=[container],
    )
    return made["taskDefinition"]["taskDefinitionArn"]


def service(definition: str, subnets: list[str], work: str, targets: str) -> None:
    """Keep two tasks running behind the door, and roll a bad release back."""
    ecs = boto3.client("ecs")
    ecs.create_cluster(clusterName=NAME)
    inside = {"subnets": subnets, "securityGroups": [work], "assignPublicIp": "ENABLED"}
    ecs.create_service(
        cluster=NAME,
        serviceName=NAME,
        taskDefinition=definition,
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": inside},
        loadBalancers=[{"targetGroupArn": targets, "containerName": "shop", "containerPort": PORT}],
        healthCheckGracePeriodSeconds=60,
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    )


def scaling() -> None:
    """Let the number of tasks follow the load, between two and six."""
    auto = boto3.client("application-autoscaling")
    what = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{NAME}/{NAME}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    auto.register_scalable_target(**what, MinCapacity=2, MaxCapacity=6)
    busy = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    auto.put_scaling_policy(
        **what,
        PolicyName="half-busy",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=busy | {"TargetValue": 50.0},
    )


def build() -> str:
    """Build it all; return the load balancer's ARN."""
    stacks.not_in_an_account()
    vpc, subnets = stacks.network()
    stacks.log_group("/shop/tasks")
    door, work = stacks.security_groups(vpc, PORT, NAME)
    repository_arn, address = repository()
    definition = task_definition(address, *rights(repository_arn))
    balancer = stacks.load_balancer(subnets, door, NAME)
    targets = stacks.target_group(vpc, PORT, "ip", NAME)
    stacks.listener(balancer, targets)
    service(definition, subnets, work, targets)
    scaling()
    stacks.door_alarms(balancer, targets, NAME)
    return balancer
