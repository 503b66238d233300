"""PostConfirmation: writes the profile of a new user to TABLE (key: id), once, however often it is called."""

import os

import boto3

profiles = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    if event["triggerSource"] != "PostConfirmation_ConfirmSignUp":
        return event  # somebody set a new password: the profile is there
    attributes = event["request"]["userAttributes"]
    profile = {"id": attributes["sub"], "name": event["userName"], "email": attributes["email"], "pictures": 0}
    try:
        profiles.put_item(Item=profile, ConditionExpression="attribute_not_exists(id)")
    except profiles.meta.client.exceptions.ConditionalCheckFailedException:
        print(f"{event['userName']} has a profile already")
    return event
