"""A stack of CloudFormation, watched until it is at rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tools.acceptance.run import FailedError, Run

LONGEST_WAIT = 3 * 3600.0
"""Seconds: CloudFormation gives a custom resource an hour, and its rollback another one."""

GONE = "DELETE_COMPLETE"


class Stack:
    """One stack by its name."""

    def __init__(self, run: Run, name: str) -> None:
        self.name = name
        self._run = run
        self._client = run.client("cloudformation")

    def create(self, template: str) -> None:
        """Begin to create the stack."""
        tags = [{"Key": "massdriver-redis:acceptance", "Value": self._run.name}]
        self._client.create_stack(StackName=self.name, TemplateBody=template, Tags=tags)

    def update(self, template: str) -> None:
        """Begin to update the stack."""
        self._client.update_stack(StackName=self.name, TemplateBody=template)

    def delete(self, retained: tuple[str, ...] = ()) -> None:
        """Begin to delete the stack, without the resources `retained`."""
        keep = {"RetainResources": list(retained)} if retained else {}
        self._client.delete_stack(StackName=self.name, **keep)

    def cancel_update(self) -> None:
        """Have an update under way rolled back; nothing where there is none."""
        if self.status() == "UPDATE_IN_PROGRESS":
            self._client.cancel_update_stack(StackName=self.name)

    def status(self) -> str:
        """Return the stack's status; DELETE_COMPLETE where there is no such stack."""
        found = self._described()
        return str(found["StackStatus"]) if found else GONE

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs."""
        found = self._described() or {}
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}

    def physical_id(self, logical_id: str) -> str:
        """Return a resource's physical id."""
        found = self._client.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def wait(self, look: Callable[[], object] = lambda: None) -> str:
        """Return the status in which the stack is at rest; `look` is called meanwhile, and at the end."""
        end = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < end:
            status = self.status()
            look()
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return status
            time.sleep(self._run.settings.look_seconds)
        raise FailedError(f"{self.name} is still {status} after {LONGEST_WAIT / 3600:.0f} hours")

    def reasons(self) -> list[str]:
        """Return the reasons of the stack's failures, the newest first."""
        try:
            events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        except ClientError:
            return []
        return [
            f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}"
            for each in events
            if "FAILED" in each["ResourceStatus"] and each.get("ResourceStatusReason")
        ]

    def _described(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found
