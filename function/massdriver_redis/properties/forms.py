"""Other forms of the same properties, brought to the document's form."""

from __future__ import annotations

from collections.abc import Mapping

_DATA_HOLDS = {"aws_authentication": "arn", "vpc": "infrastructure"}
"""What is in a connection's `data`: where it stands in the connection itself, the level was left out."""


def documented(raw: Mapping[str, object]) -> dict[str, object]:
    """Return `raw` in the document's form; what has no other form stays as it is.

    Since 2026 the platform sends a connection without its `data` level, and with keys of its own such as
    `id` and `name`. ElastiCache takes the days of a window in upper case too.
    """
    properties = dict(raw)
    for name, held in _DATA_HOLDS.items():
        connection = properties.get(name)
        if isinstance(connection, Mapping):
            properties[name] = _connection(connection, held)
    window = properties.get("maintenance_window")
    if isinstance(window, str):
        properties["maintenance_window"] = window.lower()
    return properties


def _connection(given: Mapping[object, object], held: str) -> dict[str, object]:
    parts: dict[str, object] = {key: given[key] for key in ("data", "specs") if key in given}
    if "data" not in given and held in given:
        parts["data"] = {key: item for key, item in given.items() if key != "specs"}
    return parts
