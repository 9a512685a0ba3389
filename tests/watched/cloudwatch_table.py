"""Every metric that is to be watched, as CloudWatch publishes it, and what the API is to say of it.

Written by hand from AWS's documentation, so that a wrong name in a service's module is found. Columns: service, metric,
namespace, CloudWatch's name, dimensions, the values of one minute, the figure.
"""

from __future__ import annotations

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:close"
F, T, Q, S, D = {"FunctionName": "place"}, {"TableName": "history"}, {"QueueName": "orders"}, {"StreamName": "clicks"}, {"DeliveryStreamName": "lake"}
INSIGHTS = {"function_name": "place"}
BUS, API, TOPIC, BUCKET = {"EventBusName": "shop"}, {"ApiName": "shop-api"}, {"TopicName": "news"}, {"BucketName": "files"}
POOL = {"UserPool": "eu-central-1_abc", "UserPoolClient": "web"}
NAMES = {"lambda": "place", "apigateway": "shop-api", "stepfunctions": "close", "dynamodb": "history", "sqs": "orders", "kinesis": "clicks", "firehose": "lake", "eventbridge": "shop", "sns": "news", "s3": "files", "cognito": "eu-central-1_abc"}

TABLE: list[tuple[str, str, str, str, dict[str, str], list[float], float]] = [
    ("lambda", "invocations", "AWS/Lambda", "Invocations", F, [1, 1, 1, 1], 4),
    ("lambda", "errors", "AWS/Lambda", "Errors", F, [0, 1, 0, 1], 2),
    ("lambda", "throttles", "AWS/Lambda", "Throttles", F, [1, 1, 1], 3),
    ("lambda", "concurrent_executions", "AWS/Lambda", "ConcurrentExecutions", F, [2, 7, 3], 7),
    ("lambda", "duration", "AWS/Lambda", "Duration", F, [100, 300], 200),
    ("lambda", "memory_used", "LambdaInsights", "used_memory_max", INSIGHTS, [80, 91], 91),
    ("lambda", "memory_size", "LambdaInsights", "total_memory", INSIGHTS, [128, 128], 128),
    ("lambda", "init_duration", "LambdaInsights", "init_duration", INSIGHTS, [400, 200], 300),
    ("lambda", "async_event_age", "AWS/Lambda", "AsyncEventAge", F, [30, 9000], 9000),
    ("lambda", "async_events_dropped", "AWS/Lambda", "AsyncEventsDropped", F, [1, 1], 2),
    ("lambda", "dead_letter_errors", "AWS/Lambda", "DeadLetterErrors", F, [1], 1),
    ("lambda", "iterator_age", "AWS/Lambda", "IteratorAge", F, [10, 65_000], 65_000),
    ("lambda", "account_concurrent_executions", "AWS/Lambda", "ConcurrentExecutions", {}, [20, 412], 412),
    ("lambda", "account_invocations", "AWS/Lambda", "Invocations", {}, [60, 40], 100),
    ("lambda", "account_errors", "AWS/Lambda", "Errors", {}, [3, 5], 8),
    ("lambda", "account_throttles", "AWS/Lambda", "Throttles", {}, [9], 9),
    ("apigateway", "requests", "AWS/ApiGateway", "Count", API, [1] * 8, 8),
    ("apigateway", "client_errors", "AWS/ApiGateway", "4XXError", API, [1, 1, 0, 0, 0, 0, 0, 0], 0.25),
    ("apigateway", "server_errors", "AWS/ApiGateway", "5XXError", API, [1, 0, 0, 0, 0, 0, 0, 0], 0.125),
    ("apigateway", "latency", "AWS/ApiGateway", "Latency", API, [20, 40], 30),
    ("apigateway", "integration_latency", "AWS/ApiGateway", "IntegrationLatency", API, [10, 30], 20),
    ("stepfunctions", "started", "AWS/States", "ExecutionsStarted", {"StateMachineArn": MACHINE}, [1, 1, 1], 3),
    ("stepfunctions", "succeeded", "AWS/States", "ExecutionsSucceeded", {"StateMachineArn": MACHINE}, [1, 1], 2),
    ("stepfunctions", "failed", "AWS/States", "ExecutionsFailed", {"StateMachineArn": MACHINE}, [1], 1),
    ("stepfunctions", "aborted", "AWS/States", "ExecutionsAborted", {"StateMachineArn": MACHINE}, [1], 1),
    ("stepfunctions", "timed_out", "AWS/States", "ExecutionsTimedOut", {"StateMachineArn": MACHINE}, [1], 1),
    ("stepfunctions", "throttled", "AWS/States", "ExecutionThrottled", {"StateMachineArn": MACHINE}, [4, 1], 5),
    ("stepfunctions", "execution_time", "AWS/States", "ExecutionTime", {"StateMachineArn": MACHINE}, [1000, 5000], 3000),
    ("dynamodb", "consumed_read", "AWS/DynamoDB", "ConsumedReadCapacityUnits", T, [0.5, 2], 2.5),
    ("dynamodb", "consumed_write", "AWS/DynamoDB", "ConsumedWriteCapacityUnits", T, [1, 3], 4),
    ("dynamodb", "provisioned_read", "AWS/DynamoDB", "ProvisionedReadCapacityUnits", T, [5], 5),
    ("dynamodb", "provisioned_write", "AWS/DynamoDB", "ProvisionedWriteCapacityUnits", T, [10], 10),
    ("dynamodb", "throttled_requests", "AWS/DynamoDB", "ThrottledRequests", T | {"Operation": "PutItem"}, [1, 1], 2),
    ("dynamodb", "user_errors", "AWS/DynamoDB", "UserErrors", {}, [1], 1),
    ("dynamodb", "system_errors", "AWS/DynamoDB", "SystemErrors", T | {"Operation": "Query"}, [1, 1, 1], 3),
    ("dynamodb", "latency", "AWS/DynamoDB", "SuccessfulRequestLatency", T | {"Operation": "PutItem"}, [4, 8], 6),
    ("sqs", "oldest_message_age", "AWS/SQS", "ApproximateAgeOfOldestMessage", Q, [12, 42], 42_000),
    ("sqs", "visible", "AWS/SQS", "ApproximateNumberOfMessagesVisible", Q, [3, 17], 17),
    ("sqs", "in_flight", "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", Q, [2, 6], 6),
    ("sqs", "sent", "AWS/SQS", "NumberOfMessagesSent", Q, [1] * 5, 5),
    ("sqs", "received", "AWS/SQS", "NumberOfMessagesReceived", Q, [1] * 7, 7),
    ("sqs", "deleted", "AWS/SQS", "NumberOfMessagesDeleted", Q, [1] * 4, 4),
    ("sqs", "dead_letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "orders-dlq"}, [2, 3], 3),
    ("kinesis", "iterator_age", "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", S, [0, 8000], 8000),
    ("kinesis", "incoming_bytes", "AWS/Kinesis", "IncomingBytes", S, [1000, 2000], 3000),
    ("kinesis", "incoming_records", "AWS/Kinesis", "IncomingRecords", S, [1, 1, 1], 3),
    ("kinesis", "outgoing_bytes", "AWS/Kinesis", "GetRecords.Bytes", S, [3000], 3000),
    ("kinesis", "outgoing_records", "AWS/Kinesis", "GetRecords.Records", S, [2, 1], 3),
    ("kinesis", "write_throttled", "AWS/Kinesis", "WriteProvisionedThroughputExceeded", S, [1, 4], 5),
    ("kinesis", "read_throttled", "AWS/Kinesis", "ReadProvisionedThroughputExceeded", S, [2], 2),
    ("firehose", "incoming_bytes", "AWS/Firehose", "IncomingBytes", D, [500, 700], 1200),
    ("firehose", "incoming_records", "AWS/Firehose", "IncomingRecords", D, [3, 4], 7),
    ("firehose", "freshness", "AWS/Firehose", "DeliveryToS3.DataFreshness", D, [60, 300], 300_000),
    ("firehose", "delivery_success", "AWS/Firehose", "DeliveryToS3.Success", D, [1, 0], 0.5),
    ("firehose", "throttled_records", "AWS/Firehose", "ThrottledRecords", D, [11], 11),
    ("eventbridge", "triggered_rules", "AWS/Events", "TriggeredRules", BUS | {"RuleName": "to-mail"}, [1, 1], 2),
    ("eventbridge", "invocations", "AWS/Events", "Invocations", BUS | {"RuleName": "to-mail"}, [1, 1, 1], 3),
    ("eventbridge", "failed_invocations", "AWS/Events", "FailedInvocations", BUS | {"RuleName": "to-mail"}, [1], 1),
    ("eventbridge", "dead_letter_invocations", "AWS/Events", "InvocationsSentToDlq", BUS | {"RuleName": "to-mail"}, [1, 1], 2),
    ("eventbridge", "ingestion_to_invocation", "AWS/Events", "IngestionToInvocationSuccessLatency", BUS | {"RuleName": "to-mail"}, [40, 900], 900),
    ("sns", "published", "AWS/SNS", "NumberOfMessagesPublished", TOPIC, [1, 1, 1], 3),
    ("sns", "delivered", "AWS/SNS", "NumberOfNotificationsDelivered", TOPIC, [2, 2], 4),
    ("sns", "failed", "AWS/SNS", "NumberOfNotificationsFailed", TOPIC, [1], 1),
    ("sns", "dead_letters", "AWS/SNS", "NumberOfNotificationsRedrivenToDlq", TOPIC, [1, 1], 2),
    ("s3", "requests", "AWS/S3", "AllRequests", BUCKET | {"FilterId": "EntireBucket"}, [1] * 6, 6),
    ("s3", "client_errors", "AWS/S3", "4xxErrors", BUCKET | {"FilterId": "EntireBucket"}, [1, 0, 1], 2),
    ("s3", "server_errors", "AWS/S3", "5xxErrors", BUCKET | {"FilterId": "EntireBucket"}, [0, 1, 0], 1),
    ("s3", "latency", "AWS/S3", "TotalRequestLatency", BUCKET | {"FilterId": "EntireBucket"}, [30, 50], 40),
    ("cognito", "sign_ins", "AWS/Cognito", "SignInSuccesses", POOL, [1, 1, 0], 2),
    ("cognito", "sign_in_throttles", "AWS/Cognito", "SignInThrottles", POOL, [1, 0], 1),
    ("cognito", "sign_ups", "AWS/Cognito", "SignUpSuccesses", POOL, [1], 1),
    ("cognito", "token_refreshes", "AWS/Cognito", "TokenRefreshSuccesses", POOL, [1, 1], 2),
]

# What CloudWatch publishes besides, and must not be counted again: totals by version, alias, stage, method, rule.
BESIDES: list[tuple[str, str, dict[str, str], list[float]]] = [
    ("AWS/Lambda", "Invocations", F | {"Resource": "place:live"}, [1, 1, 1, 1]),
    ("AWS/Lambda", "Invocations", F | {"Resource": "place:live", "ExecutedVersion": "7"}, [1, 1, 1, 1]),
    ("AWS/Lambda", "Invocations", {"FunctionName": "other"}, [50]),
    ("AWS/ApiGateway", "Count", API | {"Stage": "live"}, [1] * 8),
    ("AWS/ApiGateway", "Count", API | {"Stage": "live", "Method": "GET", "Resource": "/x"}, [1] * 8),
    ("AWS/Events", "Invocations", {"RuleName": "nightly"}, [1] * 30),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "orders-2"}, [99]),
]
