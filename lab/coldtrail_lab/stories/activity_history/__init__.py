"""Story 1, Activity History: POST activity -> Kinesis -> ingest -> DynamoDB and SQS -> notify; GET history."""
