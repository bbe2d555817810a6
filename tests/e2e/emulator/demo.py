"""The demo: one cluster from `sam deploy` to nothing left, on an emulated AWS. Run it by `make demo`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import redis

from . import client, stacks
from .emulator import ROOT, Emulator
from .redis_server import INSTALLED

EXAMPLE = ROOT / "examples" / "free-tier.yaml"
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


class Narrator:
    """Prints what happens with the time since the demo began."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._states: dict[str, str] = {}

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def stack_event(self, logical_id: str, status: str, reason: str) -> None:
        """Print an event of a stack."""
        self.say(f"    {logical_id}: {status}{f' ({reason})' if reason else ''}")

    def cluster_states(self, emulator: Emulator) -> None:
        """Print each cluster whose state has changed since the last look."""
        groups = emulator.client("elasticache").describe_replication_groups()["ReplicationGroups"]
        now = {
            each["ReplicationGroupId"]: f"{each['Status']}, {len(each['MemberClusters'])} node(s)"
            for each in groups
        }
        for name in self._states.keys() | now.keys():
            state = now.get(name, "gone")
            if self._states.get(name, "gone") != state:
                self.say(f"    ElastiCache {name}: {state}")
        self._states = now


def main() -> int:
    """Run the demo; return 0 if everything was as it should be."""
    narrator = Narrator()
    print(
        "AWS is emulated: MiniStack on this machine, with this project's simulator of ElastiCache.\n"
        "No account, no credentials; a simulated cluster takes seconds where AWS takes minutes.\n"
        f"The function is built for this machine's Python {RUNNING}; `make build` builds for AWS's 3.13.\n"
    )
    with tempfile.TemporaryDirectory(prefix="massdriver-redis-") as folder:
        narrator.say("start the emulated AWS")
        with Emulator(Path(folder)) as emulator:
            left = run(emulator, narrator)
    narrator.say("done" if not left else f"LEFT OVER: {', '.join(left)}")
    return 1 if left else 0


def run(emulator: Emulator, narrator: Narrator) -> list[str]:
    """Deploy, create, connect, scale and delete; return what is left over."""
    narrator.say("deploy the provider: sam deploy")
    stacks.deploy_provider(emulator)
    network = stacks.make_network(emulator)
    shop = stacks.Stack(emulator, "shop", narrator.stack_event, lambda: narrator.cluster_states(emulator))
    template = client.showing_artifact(EXAMPLE.read_text())

    narrator.say(f"create a stack with {EXAMPLE.relative_to(ROOT)}")
    expect(shop.create(template, network.parameters()), "CREATE_COMPLETE", shop)
    outputs = shop.outputs()
    artifact = client.artifact(outputs)
    narrator.say("its outputs")
    for name, value in sorted({**outputs, "Artifact": client.masked(artifact)}.items()):
        print(f"             {name:16} {value}")
    connect(emulator, narrator, artifact)

    narrator.say("update the stack: replicas 0 -> 1")
    template = template.replace("replicas: 0", "replicas: 1")
    expect(shop.update(template, network.parameters()), "UPDATE_COMPLETE", shop)
    connect(emulator, narrator, artifact)

    narrator.say("delete the stack")
    expect(shop.delete(), "DELETE_COMPLETE", shop)
    narrator.say("look for clusters, subnet groups, security groups, secrets and schedules")
    left = stacks.left_over(emulator)
    snapshots = emulator.client("elasticache").describe_snapshots()["Snapshots"]
    narrator.say(f"    left over: {', '.join(left) or 'nothing'}")
    narrator.say(f"    kept on purpose: final snapshot {', '.join(s['SnapshotName'] for s in snapshots)}")
    return left


def connect(emulator: Emulator, narrator: Narrator, artifact: dict[str, object]) -> None:
    """PING with the artifact's password, then with a wrong one."""
    if not INSTALLED:
        narrator.say("no redis-server on this machine (Debian package redis-server): PING left out")
        return
    answered = client.ping(emulator, artifact)
    narrator.say(f"PING over TLS with the artifact's host, port and password: {answered}")
    try:
        client.ping(emulator, artifact, password="wrong")
        refused = False
    except redis.AuthenticationError:
        refused = True
    narrator.say(f"PING with a wrong password: {'refused' if refused else 'NOT REFUSED'}")
    if not (answered and refused):
        raise SystemExit("the cluster did not answer as it should")


def expect(status: str, wanted: str, stack: stacks.Stack) -> None:
    """Go on only from the status wanted."""
    if status != wanted:
        reasons = "\n  ".join(filter(None, stack.reasons()))
        raise SystemExit(f"the stack {stack.name} ended {status}, not {wanted}:\n  {reasons}")


if __name__ == "__main__":
    raise SystemExit(main())
