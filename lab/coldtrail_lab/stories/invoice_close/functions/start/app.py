"""SQS consumer: starts an execution for every due invoice. Powertools Logger and Tracer."""

import json
import os

import boto3
from aws_lambda_powertools import Logger, Tracer

logger = Logger(service="invoice-close-start")
tracer = Tracer(service="invoice-close-start")
states = boto3.client("stepfunctions")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event, context):
    """Start one execution a message."""
    for record in event["Records"]:
        due = json.loads(record["body"])
        detail = due["detail"]
        start = {"invoice_id": detail["invoice_id"], "correlationId": detail["correlationId"], "context": {}}
        started = states.start_execution(stateMachineArn=os.environ["MACHINE_ARN"], input=json.dumps(start))
        logger.info(
            "invoice close started",
            extra={
                "correlationId": detail["correlationId"],
                "workflow": "invoice-close",
                "step": "start",
                "invoice_id": detail["invoice_id"],
                "event_id": due["id"],
                "message_id": record["messageId"],
                "execution_arn": started["executionArn"],
            },
        )
