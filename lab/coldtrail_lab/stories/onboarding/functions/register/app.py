"""POST /signup: announces a signup. Plain code; what is known of it, its layer says."""

import json
import os
import uuid

import boto3

sns = boto3.client("sns")


def handler(event, context):
    """Publish one signup and answer with its id."""
    signup = json.loads(event["body"])
    correlation_id = f"corr-{uuid.uuid4().hex[:12]}"
    message = {"signup_id": signup["id"], "user_id": signup["user_id"], "correlation_id": correlation_id}
    published = sns.publish(TopicArn=os.environ["TOPIC_ARN"], Message=json.dumps(message))
    line = {"level": "INFO", "message": "signup announced", **message}
    print(json.dumps({**line, "published_message_id": published["MessageId"], "topic": "signups"}))
    return {"statusCode": 202, "body": json.dumps({"id": signup["id"]})}
