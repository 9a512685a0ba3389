"""A small interpreter of state machines, because moto keeps executions but does not run them.

It runs the few parts of the Amazon States Language that the lab needs (Task on `lambda:invoke` and `sqs:sendMessage`,
Retry, Catch, Succeed, Fail, Parameters with paths), and writes the execution's history as Step Functions does.
Executions themselves are moto's: the functions start them with the real API call.

Sources: Amazon States Language specification; AWS Step Functions Developer Guide, "Using CloudWatch Logs to log
execution history" (the record's fields, log group `/aws/vendedlogs/states/...`), "Invoke an AWS Lambda function with
Step Functions" (the output's `SdkResponseMetadata`), "Handling errors in Step Functions workflows".
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from coldtrail_lab.function import Function, Result, Throttled
from coldtrail_lab.log_delivery import ACCOUNT, REGION
from coldtrail_lab.stage import Stage
from coldtrail_lab.truth import subject_of


class TaskFailed(Exception):
    """A task ended with an error that a state may retry or catch."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error, self.cause = error, cause


class StateMachine:
    """One state machine; `start` is called for every execution that moto has accepted."""

    def __init__(
        self,
        name: str,
        definition: dict[str, Any],
        functions: Mapping[str, Function],
        stage: Stage,
    ) -> None:
        self.name = name
        self.definition = definition
        self.functions = functions
        self.sqs = stage.aws.client("sqs")
        self.logs = stage.logs
        self.truth = stage.truth
        self.meters = stage.meters
        self.done = 0
        self.running = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(24, f"states-{name}")
        self.stopping = threading.Event()

    def start(self, arn: str, text: str) -> None:
        """Run an execution with this input (JSON) in the background."""
        with self._lock:
            self.running += 1
        self._pool.submit(self._run, arn, text)

    def close(self) -> None:
        """Abandon what still runs."""
        self.stopping.set()
        self._pool.shutdown(cancel_futures=True)

    def _run(self, arn: str, text: str) -> None:
        began_s = time.monotonic()
        self._count("ExecutionsStarted")
        try:
            succeeded = Execution(self, arn, text).run()
            self._count("ExecutionsSucceeded" if succeeded else "ExecutionsFailed")
            self._count("ExecutionTime", (time.monotonic() - began_s) * 1e3, "Milliseconds")
        finally:
            with self._lock:
                self.running -= 1
                self.done += 1

    def _count(self, name: str, value: float = 1.0, unit: str = "Count") -> None:
        """Source: AWS Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch"."""
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{self.name}"
        self.meters.add("AWS/States", name, value, unit, StateMachineArn=arn)


class Execution:
    """One run through the states."""

    def __init__(self, machine: StateMachine, arn: str, text: str) -> None:
        self._machine = machine
        self._arn = arn
        self._text = text
        self._stream = f"states/{machine.name}/{time.strftime('%Y-%m-%d-%H-%M', time.gmtime())}/{os.urandom(4).hex()}"
        self._number = 0

    def run(self) -> bool:
        """Go from state to state until one ends; return whether it succeeded."""
        states = self._machine.definition["States"]
        name = self._machine.definition["StartAt"]
        data = json.loads(self._text)
        self._log("ExecutionStarted", {**_input(data), "roleArn": "arn:aws:iam::123456789012:role/lab"})
        while name and not self._machine.stopping.is_set():
            state = states[name]
            if state["Type"] == "Fail":
                self._log("FailStateEntered", {"name": name, **_input(data)})
                self._log("ExecutionFailed", {"error": state["Error"], "cause": state.get("Cause", "")})
                return False
            if state["Type"] == "Succeed":
                self._log("SucceedStateEntered", {"name": name, **_input(data)})
                self._log("SucceedStateExited", {"name": name, **_output(data)})
                break
            name, data = self._task(name, state, data)
        self._log("ExecutionSucceeded", _output(data))
        return True

    def _task(self, name: str, state: dict[str, Any], data: Any) -> tuple[str, Any]:
        """Run a task state; return the next state and its input."""
        self._log("TaskStateEntered", {"name": name, **_input(data)})
        retries = 0
        while True:
            context = {"Execution": {"Id": self._arn}, "State": {"Name": name, "RetryCount": retries}}
            try:
                output = self._attempt(state, _fill(state["Parameters"], data, context))
                data = {**data, name: output.get("Payload")}
                self._log("TaskStateExited", {"name": name, **_output(data)})
                return state.get("Next", ""), data
            except TaskFailed as failed:
                rule = next((one for one in state.get("Retry", []) if _matches(one, failed.error)), None)
                if rule and retries < rule["MaxAttempts"]:
                    self._machine.stopping.wait(rule["IntervalSeconds"] * rule["BackoffRate"] ** retries)
                    retries += 1
                    continue
                catch = next((one for one in state.get("Catch", []) if _matches(one, failed.error)), None)
                data = {**data, "error": {"Error": failed.error, "Cause": failed.cause}}
                self._log("TaskStateExited", {"name": name, **_output(data)})
                return (catch or {}).get("Next", ""), data

    def _attempt(self, state: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        kind = "lambda" if state["Resource"].endswith("lambda:invoke") else "sqs"
        about = {"resourceType": kind, "resource": "invoke" if kind == "lambda" else "sendMessage"}
        self._log("TaskScheduled", {**about, "region": REGION, "parameters": json.dumps(parameters)})
        self._log("TaskStarted", about)
        try:
            output = self._invoke(parameters) if kind == "lambda" else self._send(parameters)
        except TaskFailed as failed:
            self._log("TaskFailed", {**about, "error": failed.error, "cause": failed.cause})
            raise
        self._log("TaskSucceeded", {**about, **_output(output)})
        return output

    def _invoke(self, parameters: dict[str, Any]) -> dict[str, Any]:
        function = self._machine.functions[parameters["FunctionName"]]
        request_id = str(uuid.uuid4())
        while True:
            try:
                result = function.invoke(parameters["Payload"], request_id=request_id)
                break
            except Throttled:
                self._machine.stopping.wait(0.3)
        self._machine.truth.says(
            "calls",
            {"type": "execution", "id": self._arn},
            {"type": "invocation", "function": function.name, "id": request_id},
            attempt=parameters["Payload"].get("attempt", 0) + 1,
            subject=subject_of(self._text),
        )
        if result.status != "ok":
            raise _failure(function, result)
        headers = {"x-amzn-RequestId": request_id, "X-Amz-Executed-Version": "$LATEST"}
        return {
            "ExecutedVersion": "$LATEST",
            "Payload": result.payload,
            "SdkHttpMetadata": {"HttpHeaders": headers, "HttpStatusCode": 200},
            "SdkResponseMetadata": {"RequestId": request_id},
            "StatusCode": 200,
        }

    def _send(self, parameters: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(parameters["MessageBody"])
        sent = self._machine.sqs.send_message(QueueUrl=parameters["QueueUrl"], MessageBody=body)
        self._machine.truth.says(
            "sets_aside",
            {"type": "execution", "id": self._arn},
            {
                "type": "message",
                "service": "sqs",
                "id": sent["MessageId"],
                "queue": parameters["QueueUrl"].rsplit("/")[-1],
            },
            subject=subject_of(self._text),
        )
        return {
            "MD5OfMessageBody": sent["MD5OfMessageBody"],
            "MessageId": sent["MessageId"],
            "SdkHttpMetadata": {"HttpHeaders": {}, "HttpStatusCode": 200},
            "SdkResponseMetadata": {"RequestId": str(uuid.uuid4())},
        }

    def _log(self, kind: str, details: dict[str, Any]) -> None:
        self._number += 1
        now_ms = time.time_ns() // 10**6
        record = {
            "id": str(self._number),
            "type": kind,
            "details": details,
            "redrive_count": "0",
            "previous_event_id": str(self._number - 1),
            "event_timestamp": str(now_ms),
            "execution_arn": self._arn,
        }
        group = f"/aws/vendedlogs/states/{self._machine.name}"
        self._machine.logs.put(group, self._stream, json.dumps(record), now_ms)


def _failure(function: Function, result: Result) -> TaskFailed:
    """What Lambda's answer makes of an invocation that did not succeed."""
    if result.status == "error" and isinstance(result.payload, dict):
        return TaskFailed(str(result.payload.get("errorType", "Error")), json.dumps(result.payload))
    if result.status == "timeout":
        text = f"RequestId: {result.request_id} Error: Task timed out after {function.timeout_s:.2f} seconds"
        return TaskFailed("Sandbox.Timedout", json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": text}))
    text = f"RequestId: {result.request_id} Error: Runtime exited with error"
    return TaskFailed("Runtime.ExitError", json.dumps({"errorType": "Runtime.ExitError", "errorMessage": text}))


def _matches(rule: dict[str, Any], error: str) -> bool:
    return bool({error, "States.ALL", "States.TaskFailed"} & set(rule["ErrorEquals"]))


def _fill(template: Any, data: Any, context: dict[str, Any]) -> Any:
    """Parameters: a key that ends in `.$` takes a path of the input (`$...`) or of the context object (`$$...`)."""
    if isinstance(template, list):
        return [_fill(one, data, context) for one in template]
    if not isinstance(template, dict):
        return template
    found = {}
    for name, value in template.items():
        if name.endswith(".$"):
            source = context if value.startswith("$$") else data
            for part in value.lstrip("$").strip(".").split("."):
                source = source.get(part) if part and isinstance(source, dict) else source if not part else None
            found[name[:-2]] = source
        else:
            found[name] = _fill(value, data, context)
    return found


def _input(data: Any) -> dict[str, Any]:
    return {"input": json.dumps(data), "inputDetails": {"truncated": False}}


def _output(data: Any) -> dict[str, Any]:
    return {"output": json.dumps(data), "outputDetails": {"truncated": False}}
