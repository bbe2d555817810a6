"""Every request to AWS and its answer, one line of JSON each, written as they come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.acceptance.redaction import redacted

Entry = dict[str, Any]

_OF_THE_REGION = {
    "DescribeCacheClusters": "CacheClusters",
    "DescribeCacheSubnetGroups": "CacheSubnetGroups",
    "DescribeLogGroups": "logGroups",
    "DescribeReplicationGroups": "ReplicationGroups",
    "DescribeSecurityGroups": "SecurityGroups",
    "DescribeSnapshots": "Snapshots",
    "ListSchedules": "Schedules",
    "ListSecrets": "SecretList",
}
"""Operations that list what others have, too, and under which key."""


class Transcript:
    """A transcript in a file; what belongs to others is left out, what is secret is replaced.

    `step` names the part of the run that an entry belongs to. Attached to a session, it records each attempt
    of each call; `run` is the name that everything of this run bears.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.step = "begin"
        self._run = run
        self.entries: list[Entry] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")

    def attach(self, events: Any) -> None:
        """Record every call of the clients that a session makes from now on; `events` are the session's."""
        events.register("before-parameter-build.*.*", self._asked)
        events.register("response-received.*.*", self._answered)

    def add(self, service: str, operation: str, request: Any, answer: Mapping[str, Any]) -> None:
        """Write one entry; `answer` has a `response` or an `error`."""
        entry: Entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "step": self.step,
            "service": service,
            "operation": operation,
            "request": redacted(request),
            **redacted(answer),
        }
        self.entries.append(entry)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def _asked(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["acceptance_request"] = dict(params)

    def _answered(
        self,
        event_name: str,
        context: Mapping[str, Any],
        parsed_response: Mapping[str, Any] | None,
        exception: Exception | None,
        **_: Any,
    ) -> None:
        service, operation = event_name.split(".")[1:3]
        request = context.get("acceptance_request", {})
        if parsed_response is None:
            failure = {"Code": type(exception).__name__, "Message": str(exception)}
            self.add(service, operation, request, {"error": failure})
        else:
            self.add(service, operation, request, self._own(operation, parsed_response))

    def _own(self, operation: str, parsed: Mapping[str, Any]) -> dict[str, Any]:
        status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if parsed.get("Error"):
            return {"status": status, "error": parsed["Error"]}
        response = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
        listed = _OF_THE_REGION.get(operation, "")
        if listed in response:
            own = [item for item in response[listed] if self._run in json.dumps(item, default=str)]
            left_out = len(response[listed]) - len(own)
            response[listed] = own
            if left_out:
                response["LeftOut"] = f"{left_out} of others"
        return {"status": status, "response": response}
