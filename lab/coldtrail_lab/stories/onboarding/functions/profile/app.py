"""SQS consumer: stores profiles. Structured log lines, no instrumentation."""

import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    """Store the profile of every signup, with a reference to its account where there is one by now."""
    for record in event["Records"]:
        notification = json.loads(record["body"])
        signup = json.loads(notification["Message"])
        account = table.get_item(Key={"signup_id": signup["signup_id"], "part": "account"}).get("Item")
        item = {"signup_id": signup["signup_id"], "part": "profile", "correlation_id": signup["correlation_id"]}
        if account:
            item["account"] = f"{signup['signup_id']}/account"
        table.put_item(Item=item)
        line = {
            "level": "INFO",
            "message": "profile stored",
            "correlation_id": signup["correlation_id"],
            "user_id": signup["user_id"],
            "item_key": f"{signup['signup_id']}/profile",
            "message_id": record["messageId"],
            "sns_message_id": notification["MessageId"],
            "queue_name": "onboarding-profiles",
        }
        print(json.dumps(line))
