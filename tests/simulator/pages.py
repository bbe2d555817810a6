"""Pagination: MaxRecords and Marker."""

from __future__ import annotations

from typing import Any

from .errors import bad_value


def page(
    key: str, records: list[Any], params: dict[str, Any], least: int = 20, most: int = 100
) -> dict[str, Any]:
    """Return one page of `records` under `key`, with a Marker when there are more.

    MaxRecords lies between `least` and `most` (botocore model).
    """
    size = params.get("MaxRecords", most)
    if not least <= size <= most:
        raise bad_value(f"Invalid value {size} for MaxRecords. Must be between {least} and {most}.")
    marker = params.get("Marker") or "0"
    if not marker.isdigit():
        raise bad_value(f"Invalid marker: {marker}")
    start = int(marker)
    result: dict[str, Any] = {key: records[start : start + size]}
    if start + size < len(records):
        result["Marker"] = str(start + size)
    return result
