"""Who sends an event, told from the shape that a handler expects."""

from __future__ import annotations

# The first that fits: paths within an event that only one sender's events have.
SHAPES = {
    "S3": ("Records[].s3",),
    "Kinesis": ("Records[].kinesis",),
    "DynamoDB Streams": ("Records[].dynamodb",),
    "SNS": ("Records[].Sns",),
    "SQS": ("Records[].body", "Records[].messageId", "Records[].receiptHandle", "Records[].messageAttributes"),
    "HTTP API or function URL": ("rawPath", "rawQueryString", "requestContext.http", "cookies"),
    "REST API or load balancer": ("httpMethod", "path", "multiValueHeaders", "requestContext.elb", "resource"),
    "an API": ("pathParameters", "queryStringParameters", "isBase64Encoded", "headers", "body", "requestContext"),
    "Cognito": ("triggerSource", "userPoolId", "request.userAttributes"),
    "EventBridge": ("detail-type", "detail"),
    "CloudWatch Logs": ("awslogs",),
}


def source_of_event(path: str) -> str:
    """Return who sends events with such a path, "" where its shape doesn't say.

    Examples
    --------
    >>> source_of_event("Records[].s3.bucket.name"), source_of_event("order")
    ('S3', '')
    """
    for source, paths in SHAPES.items():
        if any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in paths):
            return source
    return ""
