"""Starts MiniStack with its gaps closed; run by the emulator's own interpreter.

MiniStack (PyPI `ministack`, pinned in requirements.txt) serves CloudFormation, Lambda, Scheduler, EC2,
Secrets Manager, S3, STS and IAM. What it does unlike AWS, and matters here, is wrapped before its server
starts; each module of `gaps` names the gap it closes. Its version is checked, since every wrap relies on
names of that version.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os

from .orphans import end_with_parent

EXPECTED = "1.5.33"


def main() -> None:
    """Close the gaps, then serve until SIGTERM or the end of the starter."""
    end_with_parent()
    found = importlib.metadata.version("ministack")
    if found != EXPECTED:
        raise SystemExit(f"the gaps are those of MiniStack {EXPECTED}, found {found}")

    from ministack import app

    from .gaps import custom_resources, elasticache, ingress_rules, permissions, schedules, stock_elasticache

    # Under TLS it would also take port 443, for logins that are not used here.
    app._port_is_bindable = lambda *_: False
    if simulator := os.environ["EMULATOR_ELASTICACHE"]:
        elasticache.close(simulator)
        permissions.close(functools.partial(elasticache.tags, simulator))
    else:
        permissions.close(stock_elasticache.tags)
    schedules.close(speed=float(os.environ.get("EMULATOR_SPEED", "20")))
    custom_resources.close()
    ingress_rules.close()
    app.main()


if __name__ == "__main__":
    main()
