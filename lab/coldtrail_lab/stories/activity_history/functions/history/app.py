"""GET /history: what is stored of one user. Instrumented with the X-Ray SDK; JSON log format."""

import json
import logging
import os

import boto3
from aws_xray_sdk.core import patch, xray_recorder
from boto3.dynamodb.conditions import Key

patch(("boto3",))
logger = logging.getLogger()
logger.setLevel("INFO")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    """Return the user's activities, newest last."""
    user = (event.get("queryStringParameters") or {}).get("user", "")
    with xray_recorder.in_subsegment("read-history") as subsegment:
        subsegment.put_annotation("user_id", user)
        try:
            items = table.query(KeyConditionExpression=Key("user_id").eq(user))["Items"]
        except table.meta.client.exceptions.ProvisionedThroughputExceededException:
            logger.warning("the table is busy", extra={"user_id": user})
            return {"statusCode": 503, "body": json.dumps({"message": "try again later"})}
        subsegment.put_metadata("count", len(items))
    logger.info("history read", extra={"user_id": user, "count": len(items)})
    activities = [{"id": item["activity_id"], "type": item["type"]} for item in items]
    return {"statusCode": 200, "body": json.dumps({"user": user, "activities": activities})}
