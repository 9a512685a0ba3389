"""Target of `Order placed`: writes a receipt. No instrumentation; it prints its event."""

import json


def handler(event, context):
    """Fast, and never at fault."""
    print(json.dumps(event))
