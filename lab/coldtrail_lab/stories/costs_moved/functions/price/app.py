"""POST /quote: works out a price, stores it and hands it on. Powertools Logger.

Version 1 loads its rate book when a sandbox starts and works every price out. With `RATES_TABLE` set, as in version 2,
it reads what was worked out before and keeps the rates around it up to date, each an item to write.
"""

import json
import os
import time
import uuid

import boto3
from aws_lambda_powertools import Logger

LOADS_S, WORKS_S = 0.9, 0.8
NEIGHBOURS = 4

logger = Logger(service="quotes-price")
dynamodb = boto3.resource("dynamodb")
sqs = boto3.client("sqs")
quotes = dynamodb.Table(os.environ["TABLE"])
rates = dynamodb.Table(os.environ["RATES_TABLE"]) if os.environ.get("RATES_TABLE") else None
time.sleep(LOADS_S)


def work_out(product):
    """Work a price out from the rate book."""
    time.sleep(WORKS_S)
    return 10 + len(product)


def look_up(product):
    """Read a price that was worked out before, and refresh those of its neighbours."""
    found = rates.get_item(Key={"product": product}, ConsistentRead=True).get("Item")
    for neighbour in range(NEIGHBOURS):
        rates.put_item(Item={"product": f"{product}-{neighbour}", "price": 10 + len(product), "book": "x" * 900})
    if not found:
        rates.put_item(Item={"product": product, "price": 10 + len(product)})
    return int(found["price"]) if found else 10 + len(product)


@logger.inject_lambda_context(clear_state=True)
def handler(event, context):
    """Quote one product."""
    asked = json.loads(event["body"])
    correlation_id = f"corr-{uuid.uuid4().hex[:12]}"
    price = look_up(asked["product"]) if rates else work_out(asked["product"])
    quotes.put_item(Item={"quote_id": asked["id"], "product": asked["product"], "price": price})
    body = {"quote_id": asked["id"], "correlation_id": correlation_id}
    sent = sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(body))
    about = {**body, "sent_message_id": sent["MessageId"], "queue_name": os.environ["QUEUE_URL"].rsplit("/", 1)[-1]}
    logger.info("quoted", extra=about)
    return {"statusCode": 200, "body": json.dumps({"id": asked["id"], "price": price})}
