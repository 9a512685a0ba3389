"""POST /order: says on the bus that an order was placed. Powertools Logger and Tracer."""

import json
import os
import uuid

import boto3
from aws_lambda_powertools import Logger, Tracer

logger = Logger(service="orders-place")
tracer = Tracer(service="orders-place")
events = boto3.client("events")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event, context):
    """Put one event and answer at once."""
    order = json.loads(event["body"])
    detail = {"order_id": order["id"], "user_id": order["user_id"], "correlation_id": f"corr-{uuid.uuid4().hex[:12]}"}
    entry = {
        "EventBusName": os.environ["BUS"],
        "Source": "shop.orders",
        "DetailType": "Order placed",
        "Detail": json.dumps(detail),
    }
    put = events.put_events(Entries=[entry])["Entries"][0]
    logger.info("order placed", extra={**detail, "put_event_id": put["EventId"], "bus_name": os.environ["BUS"]})
    return {"statusCode": 202, "body": json.dumps({"id": order["id"]})}
