"""The life itself: deploy the provider, lead the script's steps, and look for what is left."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from tools.acceptance import leftovers, place
from tools.acceptance.run import FailedError, Run
from tools.acceptance.script import QUESTIONS, QUESTIONS_AFTER, STEPS, Step
from tools.acceptance.stacks import Stack


def lead(run: Run) -> None:
    """Lead the whole life. Raises FailedError at the first thing that isn't as it should be."""
    caller = run.client("sts").get_caller_identity()
    run.say(f"account ...{str(caller['Account'])[-4:]}, {run.settings.region}, {run.settings.vpc_id}")
    where = place.find(run)
    deploy(run)
    stack = Stack(run, run.consumer)
    for step in STEPS:
        _take(run, stack, where, step)
        if step.name == QUESTIONS_AFTER:
            _ask(run, stack.physical_id("Redis"))
    run.transcript.step = "leak check"
    leaked = [each for each in leftovers.find(run) if not each.expected]
    run.say(f"left over: {', '.join(map(str, leaked)) or 'nothing'}")
    if leaked:
        raise FailedError("the deleted stack left something")


def deploy(run: Run) -> None:
    """Run `sam deploy` on the built provider, in a stack of this run's own."""
    run.transcript.step = "deploy"
    run.say(f"deploy the provider: sam deploy, stack {run.provider}")
    parameters = [f"ResponseHost={run.settings.response_host}"] if run.settings.response_host else []
    command = [
        *(str(run.settings.sam), "deploy", "--template-file", str(run.settings.template)),
        *("--config-file", os.path.abspath("samconfig.toml"), "--region", run.settings.region),  # noqa: PTH100
        *("--stack-name", run.provider, "--tags", f"massdriver-redis:acceptance={run.name}"),
        *("--no-confirm-changeset", "--no-progressbar", "--parameter-overrides", "LogLevel=DEBUG"),
        *parameters,
    ]
    # The function's own packages on the path are not SAM's.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 (the command is the user's own SAM)
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    run.seconds["deploy"] = time.monotonic() - began
    answer = {"status": done.returncode, "response": done.stdout.splitlines()}
    run.transcript.add("command", "sam deploy", command[1:], answer)
    if done.returncode:
        raise FailedError(f"sam deploy failed:\n{done.stdout}")


def _take(run: Run, stack: Stack, where: place.Place, step: Step) -> None:
    """Take one step and wait for its end, looking at the clusters all the while."""
    run.transcript.step = step.name
    run.say(f"{step.name}: {step.what}")
    began = time.monotonic()
    if step.kind == "delete":
        stack.delete()
    else:
        begin = stack.create if step.kind == "create" else stack.update
        begin(place.template(run, where, step))
    looks = Looks(run)
    status = stack.wait(looks.look)
    looks.events()
    run.seconds[step.name] = time.monotonic() - began
    reasons = stack.reasons()
    if status != step.ends:
        said = "\n  ".join(reasons[:5])
        raise FailedError(f"{step.name}: the stack is {status}, not {step.ends}:\n  {said}")
    if step.kind != "delete":
        run.say(f"    {status}; warnings: {stack.outputs().get('Warnings') or 'none'}")


class Looks:
    """Looks at the clusters of a run; each change of a status is printed."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._cache = run.client("elasticache")
        self._statuses: dict[str, str] = {}

    def look(self) -> None:
        """Describe every cluster of the run, and each of its nodes."""
        groups = leftovers.groups(self._run)
        now = {str(each["ReplicationGroupId"]): _summary(each) for each in groups}
        for name in self._statuses.keys() | now.keys():
            status = now.get(name, "gone")
            if status != self._statuses.get(name):
                self._run.say(f"    {name}: {status}")
            self._statuses[name] = status
        for each in groups:
            for member in each.get("MemberClusters", []):
                self._ask("describe_cache_clusters", CacheClusterId=member)

    def events(self) -> None:
        """Read ElastiCache's events of every cluster seen in the last hour."""
        for name in self._statuses:
            self._ask("describe_events", SourceType="replication-group", SourceIdentifier=name, Duration=60)

    def _ask(self, operation: str, **request: Any) -> None:
        """Make a call for the transcript alone: a node may have gone meanwhile."""
        try:
            getattr(self._cache, operation)(**request)
        except ClientError:
            return


def _summary(group: dict[str, Any]) -> str:
    return f"{group['Status']}, {len(group.get('MemberClusters', []))} node(s)"


def _ask(run: Run, cluster: str) -> None:
    """Ask the script's questions; the transcript keeps the answers, refusals included."""
    run.transcript.step = "questions"
    cache = run.client("elasticache")
    for question in QUESTIONS:
        given = {key: value.format(cluster=cluster) for key, value in question.params.items()}
        try:
            getattr(cache, xform_name(question.operation))(**given)
        except ClientError as error:
            run.say(f"    {question.operation}: {error.response['Error']['Code']}")
