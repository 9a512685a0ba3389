"""States that CloudWatch samples and nobody counts: how deep queues are, and what tables are provisioned for.

Sources: Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"; Amazon DynamoDB Developer Guide,
"DynamoDB Metrics and dimensions" (provisioned units only of tables that are not on demand).
"""

from __future__ import annotations

from coldtrail_lab.aws import Aws
from coldtrail_lab.meters import Meters

DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


def sample_queues(aws: Aws, meters: Meters) -> None:
    """Add the depths of every queue; dead-letter queues are queues."""
    sqs = aws.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(DEPTHS))["Attributes"]
        for name in DEPTHS:
            metric = "ApproximateNumberOfMessagesVisible" if name == DEPTHS[0] else name
            meters.add("AWS/SQS", metric, float(found[name]), QueueName=url.rsplit("/", 1)[-1])


def sample_tables(aws: Aws, meters: Meters) -> None:
    """Add what each table is provisioned for."""
    dynamodb = aws.client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
            continue
        capacity = table["ProvisionedThroughput"]
        for kind in ("Read", "Write"):
            units = float(capacity[f"{kind}CapacityUnits"])
            meters.add("AWS/DynamoDB", f"Provisioned{kind}CapacityUnits", units, TableName=name)
