"""Target of `Stock count due`. No instrumentation; it prints its event."""

import json


def handler(event, context):
    """Fast, and never at fault."""
    print(json.dumps(event))
