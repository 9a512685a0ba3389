"""AWS Step Functions: state machines whose executions have an ARN of their own.

A state hands its function what its input says; many hand over the context object or its `Execution.Id`. The output
of a task names what it did elsewhere: the request id of the function it invoked, the id of the message it sent.

Sources: AWS Step Functions Developer Guide ("Using CloudWatch Logs to log execution history": each record has
`execution_arn`, "Accessing execution data from the Context object", "Integrating services"), OpenTelemetry semantic
conventions ("AWS Step Functions").
"""

from __future__ import annotations

from coldtrail.services.service import (
    CLIENT,
    CONSUMER,
    EXECUTION_ARN,
    SERVER,
    Condition,
    Envelope,
    Service,
    log_key,
    span_key,
    takes,
)

HISTORY = "stepfunctions."
"""How the event name of a record of an execution's history begins; its type follows."""

_STATES = ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
_ENDS = ("Succeeded", "Failed", "TimedOut", "Aborted")
_TASKS = ("Scheduled", "ScheduleFailed", "Started", "StartFailed", *_ENDS)

HISTORY_TYPES: tuple[str, ...] = (
    *(f"Execution{end}" for end in ("Started", "Redriven", *_ENDS)),
    *(f"{state}State{end}" for state in _STATES for end in ("Entered", "Exited", "Started", *_ENDS)),
    *(f"{task}{end}" for task in ("Activity", "LambdaFunction", "Task") for end in _TASKS),
    *(f"Task{end}" for end in ("Submitted", "SubmitFailed")),
    *(f"MapIteration{end}" for end in ("Started", *_ENDS)),
    *(f"MapRun{end}" for end in ("Started", "Redriven", *_ENDS)),
    "EvaluationFailed",
)
"""The types of events of a history (AWS Step Functions API reference, "HistoryEvent"), and a few that could be."""

IN_HISTORY = Condition(("type",), HISTORY_TYPES)

STEP_FUNCTIONS = Service(
    id="stepfunctions",
    name="AWS Step Functions",
    carries="workflow",
    keys=(
        span_key("mentions", "execution_arn", "aws.step_functions.execution.arn", span_kinds=(0, 1, CLIENT)),
        span_key("takes", "execution_arn", "aws.step_functions.execution.arn", span_kinds=(SERVER, CONSUMER)),
        log_key("gives", "execution_arn", "execution_arn", when=(IN_HISTORY,)),
        log_key(
            "mentions", "execution_arn", "execution_arn", when=(Condition(("type",), HISTORY_TYPES, negated=True),)
        ),
        log_key("mentions", "execution_arn", "aws.step_functions.execution.arn"),
        log_key("mentions", "execution_arn", "executionArn"),
        log_key("mentions", "execution_arn", "*.executionArn"),
        log_key("mentions", "request_id", "aws.step_functions.task.request_id", event_prefix=HISTORY),
        log_key("gives", "message_id", "aws.step_functions.task.message_id", event_prefix=HISTORY),
        log_key("gives", "event_id", "aws.step_functions.task.event_id", event_prefix=HISTORY),
        log_key("gives", "sequence_number", "aws.step_functions.task.sequence_number", event_prefix=HISTORY),
        log_key("mentions", "execution_arn", "aws.step_functions.task.execution_arn", event_prefix=HISTORY),
    ),
    envelopes=(
        Envelope(
            when=(("Execution.Id", ()),),
            keys=(takes("execution_arn", "Execution.Id", shape=EXECUTION_ARN),),
            destination="StateMachine.Id",
            sent="State.EnteredTime",
            receive_count="State.RetryCount",
        ),
        Envelope(
            when=(("context.Execution.Id", ()),),
            keys=(takes("execution_arn", "context.Execution.Id", shape=EXECUTION_ARN),),
            destination="context.StateMachine.Id",
            sent="context.State.EnteredTime",
        ),
        Envelope(
            when=(("Context.Execution.Id", ()),),
            keys=(takes("execution_arn", "Context.Execution.Id", shape=EXECUTION_ARN),),
            destination="Context.StateMachine.Id",
            sent="Context.State.EnteredTime",
        ),
        Envelope(when=(("executionArn", ()),), keys=(takes("execution_arn", "executionArn", shape=EXECUTION_ARN),)),
        Envelope(when=(("ExecutionArn", ()),), keys=(takes("execution_arn", "ExecutionArn", shape=EXECUTION_ARN),)),
        Envelope(
            when=(("source", ("aws.states",)),),
            keys=(takes("execution_arn", "detail.executionArn", shape=EXECUTION_ARN),),
        ),
    ),
)
