"""SQS consumer: opens accounts. Powertools Logger."""

import json
import os
import time

import boto3
from aws_lambda_powertools import Logger

logger = Logger(service="onboarding-account")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


@logger.inject_lambda_context(clear_state=True)
def handler(event, context):
    """Store the account of every signup."""
    for record in event["Records"]:
        notification = json.loads(record["body"])
        signup = json.loads(notification["Message"])
        time.sleep(0.02)
        item = {"signup_id": signup["signup_id"], "part": "account", "correlation_id": signup["correlation_id"]}
        table.put_item(Item=item)
        logger.info(
            "account opened",
            extra={
                "correlation_id": signup["correlation_id"],
                "user_id": signup["user_id"],
                "item_key": f"{signup['signup_id']}/account",
                "message_id": record["messageId"],
                "sns_message_id": notification["MessageId"],
                "queue_name": "onboarding-accounts",
            },
        )
