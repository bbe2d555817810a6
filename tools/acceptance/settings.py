"""What a run is told by its environment, and what it refuses to begin without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tools.acceptance import budget

_EXAMPLE = "REGION=us-east-1 VPC_ID=vpc-0a1b2c3d SUBNET_IDS=subnet-0a1b2c3d,subnet-1b2c3d4e"


class RefusedError(Exception):
    """The run must not begin; the message is one line that says what to do."""


@dataclass(frozen=True)
class Settings:
    """Where a run acts and what with.

    `template` is the built provider, `sam` the command line tool that deploys it. AWS is looked at every
    `look_seconds`. `response_host` is the emulator that AWS_ENDPOINT_URL names, empty on AWS.
    """

    region: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    template: Path
    sam: Path
    folder: Path
    look_seconds: float
    response_host: str


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises RefusedError without consent to the costs or without a place."""
    if environ.get("I_ACCEPT_COSTS") != "yes":
        raise RefusedError(
            f"This makes real clusters: {budget.summary()}. To go on: "
            f"make acceptance I_ACCEPT_COSTS=yes {_EXAMPLE}"
        )
    missing = [name for name in ("REGION", "VPC_ID", "SUBNET_IDS") if not environ.get(name, "").strip()]
    if missing:
        raise RefusedError(f"Missing: {', '.join(missing)}. Say where, for example: {_EXAMPLE}")
    subnets = tuple(each.strip() for each in environ["SUBNET_IDS"].split(",") if each.strip())
    if len(set(subnets)) < 2:
        raise RefusedError(f"SUBNET_IDS: give two subnets of two zones, for example: {_EXAMPLE}")
    return Settings(
        region=environ["REGION"].strip(),
        vpc_id=environ["VPC_ID"].strip(),
        subnet_ids=subnets,
        template=Path(environ.get("TEMPLATE", ".aws-sam/build/template.yaml")),
        sam=Path(environ.get("SAM", ".build/sam/bin/sam")),
        folder=Path(environ.get("ACCEPTANCE_DIR", ".acceptance")),
        look_seconds=float(environ.get("LOOK_SECONDS", "10")),
        response_host=urlsplit(environ.get("AWS_ENDPOINT_URL", "")).netloc,
    )
