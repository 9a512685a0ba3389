"""Target of the schedule: asks every shop to count its stock, one event a shop. Powertools Logger, which logs the event."""

import json
import os

import boto3
from aws_lambda_powertools import Logger

logger = Logger(service="stock-recount")
events = boto3.client("events")
MOST_ENTRIES = 10


@logger.inject_lambda_context(clear_state=True, log_event=True)
def handler(event, context):
    """Put one event a shop, ten in a call."""
    for first in range(0, event["shops"], MOST_ENTRIES):
        shops = range(first, min(first + MOST_ENTRIES, event["shops"]))
        entries = [
            {
                "EventBusName": os.environ["BUS"],
                "Source": "shop.schedule",
                "DetailType": "Stock count due",
                "Detail": json.dumps({"shop": f"shop-{shop:03d}", "execution_id": event["execution-id"]}),
            }
            for shop in shops
        ]
        answer = events.put_events(Entries=entries)
        ids = [one["EventId"] for one in answer["Entries"]]
        logger.info("counts asked for", extra={"sent_event_ids": ids, "bus_name": os.environ["BUS"]})
