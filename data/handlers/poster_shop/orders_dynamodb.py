"""Orders in a table of DynamoDB."""

import json

import boto3


class Orders:
    def __init__(self, table):
        self.table = boto3.resource("dynamodb").Table(table)

    def save(self, order):
        self.table.put_item(Item={"id": order["number"], "order": json.dumps(order)})

    def load(self, number):
        found = self.table.get_item(Key={"id": number}, ConsistentRead=True).get("Item")
        return json.loads(found["order"]) if found else None
