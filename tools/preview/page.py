"""`python -m tools.preview.page`: write docs/changes.md, the presets of the examples against each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tools.preview.foresight import foresee
from tools.preview.reading import read
from tools.preview.report import lines

ROOT = Path(__file__).resolve().parents[2]
_TODAY = date(2026, 7, 1)
_PRESETS = ("free-tier", "highly-available", "sharded-cluster")
_HEAD = """\
# See an update before you make it

<!-- Written by `make docs` with the provider's own planner; don't edit. -->

```
make plan OLD=before.yaml NEW=after.yaml
```

prints the steps of an update in order: what each interrupts, how long it takes on a small cluster, and
whether a rollback undoes it. Both files are plain properties or CloudFormation templates, JSON or YAML.
It runs the planner of the provider on a predicted AWS and asks AWS nothing; which node types a cluster may
change to, AWS has the last word on.

An update is *in place*, an *interruption of seconds*, a *replacement* by a new, empty cluster, or *refused*
before anything is written. Steps go one by one, each after the cluster has settled from the one before.
"""


def page() -> str:
    """Return docs/changes.md."""
    presets = {name: read(ROOT / "examples" / f"{name}.yaml") for name in _PRESETS}
    parts = [_HEAD, "## The presets against each other\n"]
    for old in _PRESETS:
        parts += [_section(old, new, presets[old], presets[new]) for new in _PRESETS if new != old]
    grown = presets["sharded-cluster"] | {
        "node_groups": 4,
        "replicas": 2,
        "redis_version": "7.1",
        "node_type": "cache.r5.xlarge",
    }
    title = "sharded-cluster with a newer engine, a larger node type, 4 shards and 2 replicas"
    replaced = presets["sharded-cluster"] | {"allow_replacement": True}
    parts += [
        "## Several changes at once\n",
        _section("sharded-cluster", title, presets["sharded-cluster"], grown),
        "## A replacement\n",
        _section(
            "free-tier", "sharded-cluster with `allow_replacement: true`", presets["free-tier"], replaced
        ),
    ]
    return "\n".join(parts)


def _section(old: str, new: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    told = "\n".join(line for line in lines(foresee(before, after, _TODAY)) if not line.startswith("warning"))
    return f"From {old} to {new}:\n\n```\n{told}\n```\n"


if __name__ == "__main__":
    (ROOT / "docs" / "changes.md").write_text(page(), "utf-8")
