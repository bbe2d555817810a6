"""What of a run may be read by whom, and where a secret stands in it that must not.

Secrets are each token, each ResponseURL's signature, and the external id. A token may stand in its secret,
in the calls that pass it to AWS and in the response's Data; a ResponseURL and the external id in the
schedule's Input while the request is open, the external id in AssumeRole too. Nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from tests.harness.recorder import Call

if TYPE_CHECKING:
    from .stack import FaultyStack

TOKEN, SIGNATURE, EXTERNAL_ID = KINDS = ("token", "signature", "external id")

_IN_A_SCHEDULE = (SIGNATURE, EXTERNAL_ID)
_MAY = {
    ("secretsmanager:CreateSecret", "SecretString"): (TOKEN,),
    ("elasticache:CreateReplicationGroup", "AuthToken"): (TOKEN,),
    ("scheduler:CreateSchedule", "Target"): _IN_A_SCHEDULE,
    ("sts:AssumeRole", "ExternalId"): (EXTERNAL_ID,),
}
"""Which secrets may stand in which parameter of a call; none in any other."""

_MAY_IN_DATA = ("password", "data.authentication.password", "artifact")
"""The attributes of a response that may hold the token."""


@dataclass(frozen=True)
class Place:
    """A text that somebody may read, and the kinds of secrets that may stand in it."""

    name: str
    text: str
    may: Collection[str] = ()


def findings(faulty: FaultyStack) -> Iterator[str]:
    """Yield each place where a secret stands that must not, by the secret's kind; never the secret."""
    forms = [(kind, form) for kind, text in secrets(faulty) for form in _forms(text)]
    for place in _places(faulty):
        for kind, form in forms:
            if form in place.text and kind not in place.may:
                yield f"{kind} in {place.name}"


def secrets(faulty: FaultyStack) -> set[tuple[str, str]]:
    """Return each secret of a run with its kind."""
    return {*_tokens(faulty), *_of_requests(faulty)}


def _tokens(faulty: FaultyStack) -> Iterator[tuple[str, str]]:
    for call in faulty.recorder.history:
        if call.name == "secretsmanager:CreateSecret":
            yield TOKEN, json.loads(call.params["SecretString"])["password"]
        if call.params.get("AuthToken"):
            yield TOKEN, call.params["AuthToken"]


def _of_requests(faulty: FaultyStack) -> Iterator[tuple[str, str]]:
    for request in faulty.requests.values():
        yield SIGNATURE, parse_qs(urlsplit(request.event["ResponseURL"]).query)["X-Amz-Signature"][0]
        for key in ("ResourceProperties", "OldResourceProperties"):
            data = request.event.get(key, {}).get("aws_authentication", {}).get("data", {})
            if data.get("external_id"):
                yield EXTERNAL_ID, data["external_id"]


def _forms(text: str) -> set[str]:
    """Return a secret in every form it may be written in."""
    return {text, quote(text, safe=""), json.dumps(text)[1:-1], base64.b64encode(text.encode()).decode()}


def _places(faulty: FaultyStack) -> Iterator[Place]:
    yield from _told(faulty)
    yield from _answered(faulty)
    yield from _kept(faulty)
    yield from _polled(faulty)
    for call in faulty.recorder.history:
        yield from _asked(call)


def _told(faulty: FaultyStack) -> Iterator[Place]:
    """Yield what Lambda writes to the log groups, metrics in their embedded format included."""
    yield Place("the log", faulty.logs.getvalue())
    yield Place("another log", faulty.other_logs.getvalue())
    yield Place("what is printed", faulty.printed.getvalue())
    for told in faulty.told:
        yield Place("what a handler returned or raised", told)


def _answered(faulty: FaultyStack) -> Iterator[Place]:
    for request in faulty.requests.values():
        for body in request.puts:
            data: Mapping[str, Any] = body["Data"]
            shown = {key: value for key, value in data.items() if key not in _MAY_IN_DATA}
            yield Place("a response", json.dumps({**body, "Data": shown}))
            yield Place("a response's Data", json.dumps(data), may=(TOKEN,))
    for unheard in faulty.unheard:
        yield Place("a response", unheard.decode())


def _kept(faulty: FaultyStack) -> Iterator[Place]:
    """Yield what AWS shows of resources, their tags included."""
    for each in faulty.aws.ec2.groups.values():
        yield Place("a security group", json.dumps(each))
    for secret in faulty.aws.secrets.secrets.values():
        shown = {key: value for key, value in secret.items() if key != "SecretString"}
        yield Place("a secret's description", json.dumps(shown, default=str))
    for group in faulty.aws.simulator.groups():
        tags = faulty.aws.simulator.tags(group.id)
        yield Place("a replication group", json.dumps([group.id, group.description, tags]))


def _polled(faulty: FaultyStack) -> Iterator[Place]:
    for fired in faulty.schedule_inputs:
        yield Place("a schedule's Input", fired, _IN_A_SCHEDULE)
    for schedule in faulty.aws.schedules.live():
        shown = {key: value for key, value in schedule.params.items() if key != "Target"}
        yield Place("a schedule's description", json.dumps(shown, default=str))
        may = _IN_A_SCHEDULE if _is_open(faulty, schedule.params["Target"]) else ()
        yield Place("a schedule that outlives its request", json.dumps(schedule.params["Target"]), may)


def _is_open(faulty: FaultyStack, target: Mapping[str, Any]) -> bool:
    """Return whether the request that a schedule's target carries is still to be answered."""
    request = faulty.requests.get(json.loads(target["Input"]).get("RequestId"))
    return request is not None and not request.puts


def _asked(call: Call) -> Iterator[Place]:
    """Yield a call's parameters: others may read them in CloudTrail."""
    open_to_all = {key: value for key, value in call.params.items() if (call.name, key) not in _MAY}
    yield Place(f"a parameter of {call.name}", json.dumps(open_to_all, default=str))
    for key, value in call.params.items():
        if (call.name, key) in _MAY:
            yield Place(f"{key} of {call.name}", json.dumps(value), _MAY[call.name, key])
