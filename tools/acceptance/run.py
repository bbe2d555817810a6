"""What every part of a run shares: its name, its clients, its transcript, and what it prints."""

from __future__ import annotations

import secrets
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from tools.acceptance.settings import Settings
from tools.acceptance.transcript import Transcript


class FailedError(Exception):
    """The run did not go as it should; the message says where."""


@dataclass
class Run:
    """One run; everything it makes in the account has its `name` in its own name."""

    settings: Settings
    name: str
    transcript: Transcript
    session: Any
    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each step took."""

    @property
    def provider(self) -> str:
        """The name of the provider's stack."""
        return f"{self.name}-provider"

    @property
    def consumer(self) -> str:
        """The name of the stack with the cluster."""
        return f"{self.name}-redis"

    def client(self, service: str) -> Any:
        """Return a client whose calls are in the transcript."""
        return self.session.client(service, config=Config(retries={"mode": "standard", "max_attempts": 8}))

    def say(self, text: str) -> None:
        """Print one line with the time since the run began; a terminal that is gone stops nothing."""
        with suppress(OSError):
            sys.stdout.write(f"[{time.monotonic() - self.began:7.1f} s] {text}\n")
            sys.stdout.flush()


def begin(settings: Settings) -> Run:
    """Return a new run with an empty transcript; nothing is asked of AWS yet."""
    name = f"acc{secrets.token_hex(3)}"
    transcript = Transcript(settings.folder / f"{name}.jsonl", name)
    session = boto3.Session(region_name=settings.region)
    transcript.attach(session.events)
    return Run(settings, name, transcript, session)
