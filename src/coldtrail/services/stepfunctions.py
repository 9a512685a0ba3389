"""AWS Step Functions: state machines whose executions have an ARN of their own.

Sources: AWS Step Functions Developer Guide ("Using CloudWatch Logs to log execution history": each record
has `execution_arn`), OpenTelemetry semantic conventions ("AWS Step Functions").
"""

from __future__ import annotations

from coldtrail.services.service import Service, log_key, span_key

STEP_FUNCTIONS = Service(
    id="stepfunctions",
    name="AWS Step Functions",
    carries="workflow",
    keys=(
        span_key("mentions", "execution_arn", "aws.step_functions.execution.arn"),
        log_key("gives", "execution_arn", "execution_arn"),
    ),
)
