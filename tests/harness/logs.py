"""What the function would write to its log group."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from massdriver_redis.log import logger


@contextmanager
def captured() -> Iterator[io.StringIO]:
    """Collect the lines of the function's logger while the block runs."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    before = handler.setStream(stream)
    try:
        yield stream
    finally:
        if before is not None:
            handler.setStream(before)


@contextmanager
def silenced() -> Iterator[None]:
    """Let the function's logger say nothing in the block: over thousands of runs formatting costs."""
    before = logger.log_level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
