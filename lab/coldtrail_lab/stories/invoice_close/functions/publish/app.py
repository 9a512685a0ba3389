"""Task: publishes the ledger entry. Its structured log line is all that is known of it."""

import json
import os
import time

import requests

LEDGER_API = os.environ["LEDGER_API"]
TIMEOUT_S = float(os.environ["LEDGER_TIMEOUT_S"])


class LedgerTimeout(Exception):
    """The ledger did not answer in time; the state machine tries again."""


def handler(event, context):
    """Publish one entry."""
    began = time.monotonic()
    status = "ok"
    try:
        requests.post(f"{LEDGER_API}/entries/{event['invoice_id']}", timeout=TIMEOUT_S)
    except requests.exceptions.Timeout:
        status = "timed_out"
    line = {
        "correlationId": event["correlationId"],
        "workflow": "invoice-close",
        "step": "publish-ledger-entry",
        "dependency": "ledger-api",
        "latencyMs": round((time.monotonic() - began) * 1e3),
        "attempt": event["attempt"] + 1,
        "status": status,
    }
    print(json.dumps(line))
    if status != "ok":
        raise LedgerTimeout(f"ledger-api did not answer within {TIMEOUT_S:g} s")
    return {"status": status}
