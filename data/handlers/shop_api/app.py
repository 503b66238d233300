"""The shop's API: one function for all routes. The router is that of Powertools for AWS Lambda."""

import boto3
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

app, table = APIGatewayHttpResolver(), boto3.resource("dynamodb").Table("pictures")


@app.get("/pictures/<name>")
def picture(name):
    found = table.get_item(Key={"id": name}).get("Item")
    if found is None:
        raise NotFoundError(f"no picture named {name}")
    return {"name": name, "by": found["by"], "likes": int(found["likes"])}


@app.get("/pictures")
def pictures():
    by = app.current_event.get_query_string_value("by")
    return sorted(one["id"] for one in table.scan()["Items"] if by in (None, one["by"]))


@app.post("/pictures/<name>/likes")
def like(name):
    one_more = {"UpdateExpression": "ADD likes :one", "ExpressionAttributeValues": {":one": 1}}
    after = table.update_item(Key={"id": name}, ReturnValues="UPDATED_NEW", **one_more)
    return {"likes": int(after["Attributes"]["likes"])}


def handler(event, context):
    return app.resolve(event, context)
