"""Where the simulator would have answered otherwise: two recordings of the same life, compared.

Clusters have other names on either side, so they are numbered in the order in which they appear. Compared
are, step by step, the statuses that a cluster and its nodes went through, what describes show of them at the
step's end, and the answers to the script's questions. A status may be too short to be seen between two
looks, so what AWS showed must only be a part, in order, of what the simulator shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.acceptance.script import QUESTIONS, STEPS
from tools.acceptance.transcript import Entry

GONE = "gone"
_OWN = frozenset(
    {
        *("ARN", "Address", "AuthTokenLastModifiedDate", "CacheClusterCreateTime", "CacheClusterId"),
        *("CacheSubnetGroupName", "CustomerAvailabilityZone", "Description", "KmsKeyId", "MemberClusters[]"),
        *("Port", "PreferredAvailabilityZone", "ReplicationGroupCreateTime", "ReplicationGroupId"),
        *("SecurityGroupId", "SnapshottingClusterId"),
    }
)
"""Members whose values are each account's own: that they are shown is compared, what they are is not."""

_OF_QUESTIONS = (
    "EngineVersion",
    "ScaleUpModifications[]",
    "ScaleDownModifications[]",
    "CacheParameterGroupFamily",
)
"""What is compared of an answer to a question."""

Shown = Mapping[str, frozenset[str]]
"""The values shown under each path."""


@dataclass
class Cluster:
    """What one step showed of one cluster."""

    statuses: list[str] = field(default_factory=list)
    node_statuses: set[str] = field(default_factory=set)
    group: Shown = field(default_factory=dict)
    node: Shown = field(default_factory=dict)


Life = dict[str, dict[str, Cluster]]
"""The clusters of each step by their numbers."""


def observed(entries: Iterable[Entry]) -> Life:
    """Return what a recording shows of the clusters in each step."""
    steps: Life = {step.name: {} for step in STEPS}
    numbers: dict[str, str] = {}
    for entry in entries:
        if entry["service"] == "elasticache" and entry["step"] in steps:
            seen = steps[entry["step"]]
            if entry["operation"] == "DescribeReplicationGroups":
                _note_groups(entry, seen, numbers)
            elif entry["operation"] == "DescribeCacheClusters":
                _note_nodes(entry, seen, numbers)
    return steps


def _note_groups(entry: Entry, seen: dict[str, Cluster], numbers: dict[str, str]) -> None:
    asked = entry["request"].get("ReplicationGroupId")
    groups = entry.get("response", {}).get("ReplicationGroups", [])
    for group in groups:
        number = numbers.setdefault(group["ReplicationGroupId"], f"cluster {len(numbers) + 1}")
        cluster = seen.setdefault(number, Cluster())
        _note_status(cluster, group["Status"])
        cluster.group = shown(group)
    if "response" in entry or entry["error"]["Code"] == "ReplicationGroupNotFoundFault":
        here = {group["ReplicationGroupId"] for group in groups}
        for name in ({asked} if asked else numbers.keys()) - here:
            if numbers.get(name) in seen:
                _note_status(seen[numbers[name]], GONE)


def _note_status(cluster: Cluster, status: str) -> None:
    if cluster.statuses[-1:] != [status]:
        cluster.statuses.append(status)


def _note_nodes(entry: Entry, seen: dict[str, Cluster], numbers: dict[str, str]) -> None:
    for node in entry.get("response", {}).get("CacheClusters", []):
        number = numbers.get(node.get("ReplicationGroupId", ""))
        if number in seen:
            seen[number].node_statuses.add(node["CacheClusterStatus"])
            seen[number].node = shown(node)


def shown(value: Any, path: str = "") -> dict[str, frozenset[str]]:
    """Return every path of an answer with the values under it; a list adds [] to the path."""
    if isinstance(value, Mapping):
        parts = [shown(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()]
    elif isinstance(value, list):
        parts = [shown(item, f"{path}[]") for item in value]
    else:
        return {path: frozenset({str(value)})}
    merged: dict[str, frozenset[str]] = {}
    for key, values in itertools.chain.from_iterable(part.items() for part in parts):
        merged[key] = merged.get(key, frozenset()) | values
    return merged


def report(real: Sequence[Entry], simulated: Sequence[Entry]) -> list[str]:
    """Return one line for each divergence, none twice."""
    found = [*_of_lives(observed(real), observed(simulated)), *_of_questions(real, simulated)]
    return list(dict.fromkeys(found))


def _of_lives(real: Life, simulated: Life) -> Iterator[str]:
    for step, clusters in real.items():
        if not clusters:
            continue  # the run ended before this step
        for number in sorted(clusters.keys() | simulated[step].keys()):
            theirs, ours = clusters.get(number), simulated[step].get(number)
            if theirs is None or ours is None:
                yield f"{step}: {number}: only {'the simulator' if theirs is None else 'AWS'} shows it"
            else:
                yield from _of_clusters(f"{step}: {number}", theirs, ours)


def _of_clusters(where: str, theirs: Cluster, ours: Cluster) -> Iterator[str]:
    if not is_part(theirs.statuses, ours.statuses):
        yield f"{where}: AWS was {_arrows(theirs.statuses)}; the simulator is {_arrows(ours.statuses)}"
    if strange := theirs.node_statuses - ours.node_statuses:
        yield f"{where}: nodes were {', '.join(sorted(strange))} on AWS, never on the simulator"
    if GONE not in (theirs.statuses[-1:] + ours.statuses[-1:]):
        yield from _of_answers("replication group", theirs.group, ours.group)
        yield from _of_answers("node", theirs.node, ours.node)


def _of_answers(kind: str, theirs: Shown, ours: Shown) -> Iterator[str]:
    for path in sorted(theirs.keys() | ours.keys()):
        if path not in ours:
            yield f"{kind}: only AWS shows {path} ({_values(theirs[path])})"
        elif path not in theirs:
            yield f"{kind}: only the simulator shows {path} ({_values(ours[path])})"
        elif path.rsplit(".", 1)[-1] not in _OWN and theirs[path] != ours[path]:
            yield f"{kind}: {path} is {_values(theirs[path])} on AWS, {_values(ours[path])} on the simulator"


def _of_questions(real: Sequence[Entry], simulated: Sequence[Entry]) -> Iterator[str]:
    theirs, ours = _answers(real), _answers(simulated)
    for question, answer, expected in zip(QUESTIONS, theirs, ours, strict=False):
        if answer != expected:
            asked = ", ".join(question.params.values())
            yield f"{question.operation}({asked}): AWS {_difference(answer, expected)}"


def _answers(entries: Sequence[Entry]) -> list[frozenset[str]]:
    """Return what each question was answered with, in order: an error's code or the values compared.

    A question that was asked again, after a throttled attempt, has its last answer.
    """
    found = {}
    for entry in entries:
        if entry["step"] == "questions" and entry["service"] == "elasticache":
            found[entry["operation"], *entry["request"].values()] = _answer(entry)
    return list(found.values())


def _answer(entry: Entry) -> frozenset[str]:
    if "error" in entry:
        return frozenset({f"error {entry['error']['Code']}"})
    found = shown(entry["response"])
    kept = [values for path, values in found.items() if path.rsplit(".", 1)[-1] in _OF_QUESTIONS]
    return frozenset(itertools.chain.from_iterable(kept))


def _difference(answer: frozenset[str], expected: frozenset[str]) -> str:
    more, less = sorted(answer - expected), sorted(expected - answer)
    parts = [f"also has {', '.join(more)}"] if more else []
    return " and ".join([*parts, f"lacks {', '.join(less)}"] if less else parts)


def is_part(some: Sequence[str], whole: Sequence[str]) -> bool:
    """Return whether `some` stand in `whole`, in their order."""
    rest = iter(whole)
    return all(each in rest for each in some)


def _arrows(statuses: Sequence[str]) -> str:
    return " > ".join(statuses) or "never there"


def _values(values: frozenset[str]) -> str:
    return ", ".join(sorted(values)[:4])
