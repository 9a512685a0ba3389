"""Builds invoice-close of its parts, and its traffic."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from coldtrail_lab.downstream import LedgerApi
from coldtrail_lab.pollers import SqsPoller
from coldtrail_lab.stage import Stage
from coldtrail_lab.state_machine import StateMachine

FUNCTIONS = Path(__file__).parent / "functions"
BUS, RULE, QUEUE, DLQ, MACHINE, TABLE = (
    "billing",
    "invoice-due",
    "invoice-close-requests",
    "invoice-close-dlq",
    "invoice-close",
    "invoices",
)
LEDGER_TIMEOUT_S = 2.8
CHOSEN, CHOSEN_CORRELATION = 3, "corr-7b55"
"""The third invoice of a run has this correlation id, and the ledger never answers for it."""


def definition(dlq_url: str) -> dict[str, Any]:
    """The state machine, in the Amazon States Language."""
    retry = [{"ErrorEquals": ["LedgerTimeout"], "IntervalSeconds": 0.5, "MaxAttempts": 2, "BackoffRate": 2.0}]
    aside = {"QueueUrl": dlq_url, "MessageBody": {"input.$": "$", "executionArn.$": "$$.Execution.Id"}}
    return {
        "StartAt": "LoadInvoice",
        "States": {
            "LoadInvoice": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": _invoke("load-invoice"),
                "Next": "PublishLedgerEntry",
            },
            "PublishLedgerEntry": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": _invoke("publish-ledger-entry"),
                "Retry": retry,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "SetAside"}],
                "Next": "Closed",
            },
            "SetAside": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": aside,
                "Next": "NotClosed",
            },
            "NotClosed": {"Type": "Fail", "Error": "InvoiceNotClosed", "Cause": "the ledger did not take the entry"},
            "Closed": {"Type": "Succeed"},
        },
    }


def _invoke(function: str) -> dict[str, Any]:
    payload = {
        "invoice_id.$": "$.invoice_id",
        "correlationId.$": "$.correlationId",
        "context.$": "$.context",
        "executionArn.$": "$$.Execution.Id",
        "attempt.$": "$$.State.RetryCount",
    }
    return {"FunctionName": function, "Payload": payload}


class InvoiceClose:
    """The running story: bus, rule, queue, three functions, a state machine, a ledger."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.sqs = stage, stage.aws.client("sqs")
        self.queue_url, self.dlq_url = (self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in (QUEUE, DLQ))
        machine_arn = self._create()
        self.ledger = LedgerApi(stage.faults)
        self.start = stage.function(
            "invoice-close-start", FUNCTIONS / "start", tracing=True, context="ids", MACHINE_ARN=machine_arn
        )
        self.load = stage.function("load-invoice", FUNCTIONS / "load", context="logs_only", TABLE=TABLE)
        self.publish = stage.function(
            "publish-ledger-entry",
            FUNCTIONS / "publish",
            context="logs_only",
            LEDGER_API=self.ledger.url,
            LEDGER_TIMEOUT_S=LEDGER_TIMEOUT_S,
        )
        self.functions = [self.start, self.load, self.publish]
        named = {function.name: function for function in self.functions}
        self.machine = StateMachine(MACHINE, definition(self.dlq_url), named, stage)
        stage.road.on_execution = self.machine.start
        self.poller = SqsPoller(self.sqs, self.queue_url, self.start, stage.truth, batch=1)
        self.poller.start()
        self.asked = 0

    def _create(self) -> str:
        aws = self.stage.aws
        events = aws.client("events")
        events.create_event_bus(Name=BUS)
        pattern = json.dumps({"source": ["erp.billing"], "detail-type": ["Invoice due"]})
        events.put_rule(Name=RULE, EventBusName=BUS, EventPattern=pattern)
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        events.put_targets(Rule=RULE, EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])
        aws.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "invoice_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "invoice_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        role = "arn:aws:iam::123456789012:role/lab"
        text = json.dumps(definition(self.dlq_url))
        made = aws.client("stepfunctions").create_state_machine(name=MACHINE, definition=text, roleArn=role)
        return str(made["stateMachineArn"])

    def close_invoice(self, invoice_id: str, correlation_id: str) -> str:
        """An ERP says that an invoice is due; return the event's id."""
        detail = {"invoice_id": invoice_id, "correlationId": correlation_id}
        if correlation_id == CHOSEN_CORRELATION and self.stage.chosen:
            self.ledger.never_answers.add(invoice_id)
        entry = {
            "EventBusName": BUS,
            "Source": "erp.billing",
            "DetailType": "Invoice due",
            "Detail": json.dumps(detail),
        }
        answer = self.stage.aws.client("events").put_events(Entries=[entry])
        self.asked += 1
        return str(answer["Entries"][0]["EventId"])

    def traffic(self, seed: int) -> Iterator[Callable[[], Any]]:
        """Yield calls for ever, the same for the same seed."""
        dice = random.Random(seed)
        number = 0
        while True:
            number += 1
            correlation = CHOSEN_CORRELATION if number == CHOSEN else f"corr-{dice.getrandbits(40):010x}"
            invoice = f"invoice-{seed}-{number:06d}"
            yield partial(self.close_invoice, invoice, correlation)

    def idle(self) -> bool:
        """Whether every event has led to an execution that has ended."""
        return self.machine.done >= self.asked

    def fault_changed(self, name: str) -> None:
        """No fault of this story needs a deployment."""

    def close(self) -> None:
        """Stop everything."""
        self.poller.stop()
        self.machine.close()
        for function in self.functions:
            function.close()
        self.ledger.close()
