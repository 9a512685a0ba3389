"""Amazon Cognito user pools: call a function at steps of a sign-up or sign-in, and wait for it.

A trigger names no request; what ties it to its caller is what the client passes along in `clientMetadata`.
Source: Amazon Cognito Developer Guide ("Customizing user pool workflows with Lambda triggers": `triggerSource`,
`userPoolId`, `callerContext`, "Passing client metadata").
"""

from __future__ import annotations

from coldtrail.services.service import Envelope, Service

COGNITO = Service(
    id="cognito",
    name="Amazon Cognito",
    carries="directory",
    envelopes=(Envelope(when=(("triggerSource", ()), ("userPoolId", ())), destination="userPoolId"),),
)
