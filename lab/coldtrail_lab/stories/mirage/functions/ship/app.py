"""Target of `Goods reserved`: the last step of an order. Powertools Logger, which logs the event."""

from aws_lambda_powertools import Logger

logger = Logger(service="orders-ship")


@logger.inject_lambda_context(clear_state=True, log_event=True)
def handler(event, context):
    """Fast, and never at fault."""
    about = {name: event["detail"][name] for name in ("order_id", "correlation_id")}
    logger.info("order shipped", extra=about)
