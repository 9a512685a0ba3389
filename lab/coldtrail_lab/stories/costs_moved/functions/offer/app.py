"""SQS consumer: sends the offer. Powertools Logger; no version of it changes."""

import json
import time

from aws_lambda_powertools import Logger

logger = Logger(service="quotes-offer")


@logger.inject_lambda_context(clear_state=True)
def handler(event, context):
    """Offer every quote."""
    for record in event["Records"]:
        time.sleep(0.03)
        about = {**json.loads(record["body"]), "message_id": record["messageId"], "queue_name": "offers"}
        logger.info("offered", extra=about)
