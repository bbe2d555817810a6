"""ElastiCache as MiniStack has it: no gap is closed; IAM only learns the tags that AWS judges by."""

from __future__ import annotations

import re

_NODE = re.compile(r"(-\d{4})?-\d{3}$")


def tags(arn: str) -> dict[str, str]:
    """Return the tags of a resource of MiniStack's ElastiCache, by its ARN; a node has those of its group."""
    from ministack.services import elasticache

    group, is_node = re.subn(":cluster:", ":replicationgroup:", arn)
    found = elasticache._tags.get(_NODE.sub("", group) if is_node else arn) or []
    return {tag["Key"]: tag["Value"] for tag in found}
