"""Serve the simulator: `python -m tests.simulator --port N [--speed K]` on 127.0.0.1 only."""

from __future__ import annotations

import argparse
import threading

from tests.harness.clock import FastClock

from .http import Endpoint
from .simulator import Simulator
from .surroundings import Subnet


def main() -> None:
    """Serve until interrupted; any subnet and security group is accepted."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    options = parser.parse_args()
    simulator = Simulator(
        FastClock(options.speed),
        network=lambda _region, subnet: Subnet("vpc-1", f"zone-{sum(subnet.encode()) % 2}"),
        security_group=lambda _region, _group: "vpc-1",
    )
    with Endpoint(simulator, options.port) as endpoint:
        print(f"ElastiCache simulator on {endpoint.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
