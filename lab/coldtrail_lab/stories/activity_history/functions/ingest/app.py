"""Kinesis consumer: validates activities, stores them, tells the notifier. Powertools Logger, Tracer and Metrics."""

import base64
import json
import os

import boto3
import requests
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="activity-ingest")
tracer = Tracer(service="activity-ingest")
metrics = Metrics(namespace="ActivityHistory", service="activity-ingest")

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
sqs = boto3.client("sqs")
QUEUE_URL = os.environ["QUEUE_URL"]
PROFILE_API = os.environ["PROFILE_API"]
CHECK_API = os.environ.get("CHECK_API", "")
TRIES = 8
kinesis = boto3.client("kinesis")


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event, context):
    """Ingest a batch; an exception fails the batch and Lambda tries it again."""
    for record in event["Records"]:
        ingest(record)
    return {"ingested": len(event["Records"])}


@tracer.capture_method(capture_response=False)
def ingest(record):
    """Validate one activity, look its user's plan up, store it and tell the notifier."""
    sequence_number = record["kinesis"]["sequenceNumber"]
    activity = json.loads(base64.b64decode(record["kinesis"]["data"]))
    about = {
        "sequence_number": sequence_number,
        "stream_name": record["eventSourceARN"].rsplit("/", 1)[-1],
        "user_id": activity.get("user_id"),
        "activity_id": activity.get("id"),
    }
    if "correlation_id" in activity:
        about["correlation_id"] = activity["correlation_id"]
    logger.info("activity received", extra=about)
    if not activity.get("type"):
        logger.error("activity is malformed: type is missing", extra=about)
        metrics.add_metric(name="MalformedActivities", unit=MetricUnit.Count, value=1)
        return
    try:
        plan = profile(activity)
    except requests.exceptions.ConnectionError:
        logger.exception("profile API cannot be reached", extra=about)
        raise
    if CHECK_API:
        requests.get(f"{CHECK_API}/checks/{activity['user_id']}", params={"activity": activity["id"]}, timeout=2)
    item = {"user_id": activity["user_id"], "activity_id": activity["id"], "type": activity["type"], "plan": plan}
    item["minutes"] = int(activity.get("minutes", 0))
    if os.environ.get("MISSING_WRITE") != "1":
        table.put_item(Item=item)
    body = {"user_id": activity["user_id"], "activity_id": activity["id"]}
    sent = sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=json.dumps(body))
    stored = {**about, "sent_message_id": sent["MessageId"], "queue_name": QUEUE_URL.rsplit("/", 1)[-1]}
    logger.info("activity stored", extra=stored)
    metrics.add_metric(name="StoredActivities", unit=MetricUnit.Count, value=1)
    if activity.get("echo"):
        put_back({**activity, "echo": activity["echo"] - 1}, about)


def put_back(activity, about):
    """Put an activity on the stream that it came from."""
    data = json.dumps(activity).encode()
    put = kinesis.put_record(StreamName=about["stream_name"], PartitionKey=activity["user_id"], Data=data)
    del about["sequence_number"]
    logger.info("activity put back", extra={**about, "put_sequence_number": put["SequenceNumber"]})


def profile(activity):
    """Return the plan of the activity's user."""
    url = f"{PROFILE_API}/profiles/{activity['user_id']}"
    for _ in range(TRIES):
        answer = requests.get(url, params={"activity": activity["id"]}, timeout=2)
        if answer.status_code != 503:
            return answer.json()["plan"]
    return "unknown"
