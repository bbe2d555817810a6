"""`make acceptance` on an emulated AWS, as a person runs it. Run it by `make acceptance-emulated`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import stacks
from .emulator import REGION, ROOT, Emulator

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def start(
    emulator: Emulator, network: stacks.Network, changes: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `make acceptance` with the settings of this emulator, with `changes` in them."""
    given = {
        "I_ACCEPT_COSTS": "yes",
        "REGION": REGION,
        "VPC_ID": network.vpc,
        "SUBNET_IDS": ",".join(network.subnets),
        "LOOK_SECONDS": "0.25",
        "BUILD_DIR": str(stacks.BUILT.parent.relative_to(ROOT)),
        "LAMBDA_PYTHON": RUNNING,
        "LAMBDA_PLATFORM": "native",
        **(changes or {}),
    }
    # A person's make has no make above it, whose flags would hold its output back.
    environment = {key: value for key, value in emulator.environment().items() if key not in _OF_MAKE}
    return subprocess.Popen(
        ["make", "--no-print-directory", "acceptance", *(f"{name}={value}" for name, value in given.items())],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def main() -> int:
    """Run it on an emulator of its own, and print what it prints; return its exit status."""
    print(
        "AWS is emulated: MiniStack on this machine, with this project's simulator of ElastiCache.",
        flush=True,
    )
    with (
        tempfile.TemporaryDirectory(prefix="massdriver-redis-") as folder,
        Emulator(Path(folder)) as emulator,
    ):
        running = start(emulator, stacks.make_network(emulator))
        assert running.stdout
        for line in running.stdout:
            print(line, end="", flush=True)
        return running.wait()


if __name__ == "__main__":
    raise SystemExit(main())
