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
    CloudWatch,
    Condition,
    Derived,
    Envelope,
    Metric,
    Quota,
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

NAMESPACE = "AWS/States"
_MONITORING = 'AWS Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch"'
_LIMITS = 'AWS Step Functions Developer Guide, "Step Functions service quotas"'


def _executions(end: str, unit_metric: str, high: str, trouble: str, *, way: str = "") -> Metric:
    """How many executions came to this end."""
    derived = Derived(way, f"records of execution histories that say Execution{way.rsplit('.')[-1]}") if way else None
    return Metric(
        id=end,
        name=f"Executions {end.replace('_', ' ')}",
        unit="count",
        stat="sum",
        high=high,
        low="the trigger has stopped" if end in ("started", "succeeded") else "good",
        trouble=trouble,
        source=_MONITORING,
        cloudwatch=(CloudWatch(NAMESPACE, unit_metric, by="StateMachineArn"),),
        derived=derived,
    )


METRICS = (
    _executions(
        "started",
        "ExecutionsStarted",
        "more work, or a caller that starts it twice",
        "started without succeeded is work that hangs or fails",
        way="execution.Started",
    ),
    _executions(
        "succeeded",
        "ExecutionsSucceeded",
        "more work is done",
        "the distance to started is what is open or lost",
        way="execution.Succeeded",
    ),
    _executions(
        "failed",
        "ExecutionsFailed",
        "a task fails beyond its retries, and nothing catches it",
        "the history's last failure names the state",
        way="execution.Failed",
    ),
    _executions(
        "aborted",
        "ExecutionsAborted",
        "somebody or something stops executions",
        "a stopped execution undoes nothing: look for half-done work",
        way="execution.Aborted",
    ),
    _executions(
        "timed_out",
        "ExecutionsTimedOut",
        "a task waits for an answer or a token that never comes",
        "without TimeoutSeconds it would wait for a year",
        way="execution.TimedOut",
    ),
    _executions(
        "throttled",
        "ExecutionThrottled",
        "state transitions or starts beyond the quota",
        "executions are slow although no state is",
    ),
    Metric(
        id="execution_time",
        name="Execution time, p95",
        unit="ms",
        stat="p95",
        high="a slow task, retries with back-off, a wait for a token",
        low="executions end early: look whether they fail",
        trouble="what the user of the workflow waits for",
        source=_MONITORING,
        cloudwatch=(CloudWatch(NAMESPACE, "ExecutionTime", by="StateMachineArn"),),
        derived=Derived("execution.duration_p95", "from the first to the last record of an execution's history"),
    ),
)

QUOTAS = (
    Quota(
        id="stepfunctions.start_execution",
        name="Executions started per second",
        value=150,
        unit="count",
        soft=True,
        per="account and region",
        explained="A bucket of 800 that refills with 150 a second (1,300 and 300 in the largest regions); express: 6,000.",
        source=_LIMITS,
        metric="started",
        per_s=1,
    ),
    Quota(
        id="stepfunctions.execution_time",
        name="Duration of a standard execution",
        value=31_536_000_000,
        unit="ms",
        soft=False,
        per="resource",
        explained="One year; an express execution ends after five minutes: put 300000 in the settings for one.",
        source=_LIMITS,
        metric="execution_time",
    ),
    Quota(
        id="stepfunctions.history_events",
        name="Events in the history of an execution",
        value=25_000,
        unit="count",
        soft=False,
        per="resource",
        explained="Loops and large maps reach it; the execution then fails. Start a child execution for each part.",
        source=_LIMITS,
        metric="",
    ),
)

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
    metrics=METRICS,
    quotas=QUOTAS,
)
