"""SQS consumer that tells people about new activities. No instrumentation at all."""

import json
import os
import time

CHAOS = os.environ.get("CHAOS", "")
if CHAOS == "crash-init":
    raise ImportError("No module named 'notification_templates'")


def handler(event, context):
    """Pretend to notify; report the messages that could not be handled."""
    failures = []
    for record in event["Records"]:
        body = json.loads(record["body"])
        print(f"notify {body['user_id']} of {body['activity_id']} messageId={record['messageId']}")
        if CHAOS == "timeout":
            time.sleep(60)
        if CHAOS == "out-of-memory":
            hoard = []
            while True:
                hoard.append(bytearray(os.urandom(1_000)) * 8_000)
                time.sleep(0.01)
        time.sleep(0.02)
        if body["activity_id"].endswith("-undeliverable"):
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
