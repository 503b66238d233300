"""The shop's HTTP service on virtual machines: an image, a group that holds two of them or more, a door in front.

The image is built as teams build one: boot AWS's, install, save, throw the machine away.
"""

from __future__ import annotations

import base64

import boto3

from helpers.cloud import stacks

NAME, PORT = "shop-machines", 8080
INSTALL = """#!/bin/bash
dnf -y update && dnf -y install python3.13 amazon-cloudwatch-agent
useradd --system shop
install -d -o shop /srv/shop && aws s3 cp s3://shop-releases/app.py /srv/shop/app.py
printf '[Service]\\nUser=shop\\nExecStart=/usr/bin/python3.13 /srv/shop/app.py\\nRestart=always\\n\
[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/shop.service
systemctl enable shop amazon-cloudwatch-agent
"""


def rights() -> str:
    """Create the role of the machines, and the profile that carries it; return the profile's name."""
    iam = boto3.client("iam")
    iam.create_role(RoleName="shop-machine", AssumeRolePolicyDocument=stacks.trust("ec2.amazonaws.com"))
    logs = {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "arn:aws:logs:*:*:log-group:/shop/*"}
    code = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-releases/*"}
    iam.put_role_policy(RoleName="shop-machine", PolicyName="work", PolicyDocument=stacks.document(logs, code))
    iam.create_instance_profile(InstanceProfileName="shop-machine")
    iam.add_role_to_instance_profile(InstanceProfileName="shop-machine", RoleName="shop-machine")
    return "shop-machine"


def image(subnet: str, profile: str) -> str:
    """Boot AWS's image, install the service, save the machine's disk as our image; return the image's id."""
    ec2 = boto3.client("ec2")
    newest = [{"Name": "name", "Values": ["al2023-ami-2023*"]}, {"Name": "architecture", "Values": ["x86_64"]}]
    found = ec2.describe_images(Owners=["amazon"], Filters=newest)["Images"]
    base = max(found, key=lambda one: one["CreationDate"])["ImageId"]
    machine = ec2.run_instances(
        ImageId=base,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        IamInstanceProfile={"Name": profile},
        UserData=INSTALL,
    )["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[machine])
    ours = ec2.create_image(InstanceId=machine, Name="shop-2026-11-25", Description="the shop, patched")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[ours])
    ec2.terminate_instances(InstanceIds=[machine])
    return ours


def template(ours: str, work: str, profile: str) -> str:
    """Say how each machine of the group shall be; return the launch template's id."""
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3", "Encrypted": True}}
    start = base64.b64encode(b"#!/bin/bash\nsystemctl start shop\n").decode()
    about = {
        "ImageId": ours,
        "InstanceType": "t3.small",
        "SecurityGroupIds": [work],
        "IamInstanceProfile": {"Name": profile},
        "BlockDeviceMappings": [disk],
        "MetadataOptions": {"HttpTokens": "required"},
        "UserData": start,
    }
    ec2 = boto3.client("ec2")
    made = ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData=about)
    return made["LaunchTemplate"]["LaunchTemplateId"]


def group(template_id: str, subnets: list[str], targets: str) -> None:
    """Keep two to six machines in two zones, replace those that fail the door's health check, follow the load."""
    scaling = boto3.client("autoscaling")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        LaunchTemplate={"LaunchTemplateId": template_id, "Version": "$Latest"},
        MinSize=2,
        MaxSize=6,
        DesiredCapacity=2,
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[targets],
        HealthCheckType="ELB",
        HealthCheckGracePeriod=120,
    )
    half = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 50.0}
    scaling.put_scaling_policy(
        AutoScalingGroupName=NAME,
        PolicyName="half-busy",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=half,
    )


def build() -> str:
    """Build it all; return the load balancer's ARN."""
    stacks.not_in_an_account()
    vpc, subnets = stacks.network()
    stacks.log_group("/shop/machines")
    door, work = stacks.security_groups(vpc, PORT, NAME)
    profile = rights()
    template_id = template(image(subnets[0], profile), work, profile)
    balancer = stacks.load_balancer(subnets, door, NAME)
    targets = stacks.target_group(vpc, PORT, "instance", NAME)
    stacks.listener(balancer, targets)
    group(template_id, subnets, targets)
    stacks.door_alarms(balancer, targets, NAME)
    return balancer
