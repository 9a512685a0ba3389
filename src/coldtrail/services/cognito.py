"""Amazon Cognito user pools: call a function at steps of a sign-up or sign-in, and wait for it.

A trigger names no request; what ties it to its caller is what the client passes along in `clientMetadata`.
Source: Amazon Cognito Developer Guide ("Customizing user pool workflows with Lambda triggers": `triggerSource`,
`userPoolId`, `callerContext`, "Passing client metadata").
"""

from __future__ import annotations

from coldtrail.services.service import (
    CloudWatch,
    Envelope,
    Metric,
    Quota,
    Service,
)

NAMESPACE = "AWS/Cognito"
_MONITORING = 'Amazon Cognito Developer Guide, "Monitoring quotas and usage in CloudWatch and Service Quotas"'
_LIMITS = 'Amazon Cognito Developer Guide, "Quotas in Amazon Cognito"'


def _of(*metrics: str, over: str = "") -> tuple[CloudWatch, ...]:
    return tuple(
        CloudWatch(NAMESPACE, metric, by="UserPool", also=("UserPoolClient",), over=over) for metric in metrics
    )


METRICS = (
    Metric(
        id="sign_ins",
        name="Successful sign-ins",
        unit="count",
        stat="sum",
        high="more users, or tokens that live too short",
        low="users cannot get in: look at the triggers' functions",
        trouble="a trigger that fails or takes five seconds fails the sign-in",
        source=_MONITORING,
        cloudwatch=_of("SignInSuccesses"),
    ),
    Metric(
        id="sign_in_throttles",
        name="Throttled sign-ins",
        unit="count",
        stat="sum",
        high="beyond the quota of the category UserAuthentication",
        low="good",
        trouble="users are turned away with TooManyRequestsException",
        source=_MONITORING,
        cloudwatch=_of("SignInThrottles"),
    ),
    Metric(
        id="sign_ups",
        name="Successful sign-ups",
        unit="count",
        stat="sum",
        high="a campaign, or a bot",
        low="the form, a trigger, or the mails' limit",
        trouble="the pool's own mails are limited to 50 a day",
        source=_MONITORING,
        cloudwatch=_of("SignUpSuccesses"),
    ),
    Metric(
        id="token_refreshes",
        name="Successful token refreshes",
        unit="count",
        stat="sum",
        high="tokens that live too short, or a client that refreshes each time",
        low="sessions end",
        trouble="a loop in one client uses up the quota of all",
        source=_MONITORING,
        cloudwatch=_of("TokenRefreshSuccesses"),
    ),
)

QUOTAS = (
    Quota(
        id="cognito.sign_ins",
        name="Sign-ins per second",
        value=120,
        unit="count",
        soft=True,
        per="account and region",
        explained="The category UserAuthentication of all pools of the region; it can be bought higher.",
        source=_LIMITS,
        metric="sign_ins",
        per_s=1,
    ),
)

COGNITO = Service(
    id="cognito",
    name="Amazon Cognito",
    carries="directory",
    envelopes=(Envelope(when=(("triggerSource", ()), ("userPoolId", ())), destination="userPoolId"),),
    metrics=METRICS,
    quotas=QUOTAS,
)
