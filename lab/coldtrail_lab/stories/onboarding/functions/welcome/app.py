"""DynamoDB stream consumer: welcomes people once their profile is stored. Powertools Logger."""

from aws_lambda_powertools import Logger

logger = Logger(service="onboarding-welcome")


class ProfileWithoutAccount(Exception):
    """The profile refers to no account."""


@logger.inject_lambda_context(clear_state=True)
def handler(event, context):
    """Welcome everyone whose profile refers to an account."""
    for record in event["Records"]:
        item = {name: next(iter(value.values())) for name, value in record["dynamodb"]["NewImage"].items()}
        about = {
            "correlation_id": item["correlation_id"],
            "item_key": f"{item['signup_id']}/{item['part']}",
            "stream_event_id": record["eventID"],
        }
        logger.info("change seen", extra=about)
        if item["part"] == "profile" and "account" not in item:
            logger.error("nobody to welcome", extra=about)
            raise ProfileWithoutAccount(f"{item['signup_id']} has a profile and no account")
