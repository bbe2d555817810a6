"""The simulator of ElastiCache over HTTP, on top of the emulator's network and with a Redis per cluster.

Run as `python -m tests.emulator.elasticache_server FOLDER PORT EMULATOR_URL`; it lives until SIGTERM.
POST takes ElastiCache requests; GET /security-group-in-use/ID answers 200 or 404, GET /tags/ARN the tags
by which IAM judges; POST /order/METHOD, with a JSON list of arguments, orders a misbehaviour by a method of
the simulator.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.harness.clock import FastClock
from tests.iam.tags import of_elasticache
from tests.simulator import Change, Simulator, Subnet, Timing

from .certificates import Certificates
from .orphans import end_with_parent
from .redis_server import RedisServers

SPEED = 60.0
"""How many times faster than on AWS things happen: a create takes 7 s, a delete 4 s."""

ORDERS = ("fail_next_create", "roll_back_next", "capacity_shortage", "partial_shard_removal")


class Backed:
    """The simulator with its surroundings: EC2 of the emulator, and the Redis servers."""

    def __init__(self, folder: Path, emulator_url: str) -> None:
        certificates = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        self.servers = RedisServers(folder, certificates)
        self._ec2 = boto3.client(
            "ec2",
            endpoint_url=emulator_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            verify=str(certificates.authority),
            config=Config(proxies={}, retries={"max_attempts": 1}),
        )
        usual = Timing()
        faster = {each.name: getattr(usual, each.name) / SPEED for each in dataclasses.fields(usual)}
        self.simulator = Simulator(
            FastClock(),
            Timing(**faster),
            network=cache(self._subnet),
            security_group=self._security_group,
            endpoint=lambda group, _address, _port: ("localhost", self.servers.port(group)),
            on_change=self._changed,
        )

    def _subnet(self, _region: str, subnet: str) -> Subnet | None:
        try:
            found = self._ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
        except ClientError:
            return None
        return Subnet(found[0]["VpcId"], found[0]["AvailabilityZone"]) if found else None

    def _security_group(self, _region: str, group: str) -> str | None:
        try:
            found = self._ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        except ClientError:
            return None
        return str(found[0]["VpcId"]) if found else None

    def _changed(self, change: Change) -> None:
        if change.kind in ("created", "token"):
            group = self.simulator.group(change.group_id)
            self.servers.start(group.id, tls=group.tls, tokens=group.tokens)
        elif change.kind == "deleted":
            self.servers.stop(change.group_id)


def serve(backed: Backed, port: int) -> ThreadingHTTPServer:
    """Return a server of `backed` on 127.0.0.1, not yet serving."""

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            what, name = self.path[1:].split("/", 1)
            if what == "tags":
                tags = of_elasticache(backed.simulator, name)
                self._answer(200, {"Content-Type": "application/json"}, json.dumps(tags).encode())
            else:
                held = backed.simulator.security_group_in_use(name)
                self._answer(200 if held else 404, {}, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            name = self.path.removeprefix("/order/")
            if name in ORDERS:
                getattr(backed.simulator, name)(*json.loads(body))
                self._answer(204, {}, b"")
            else:
                self._answer(*backed.simulator.handle("POST", dict(self.headers.items()), body))

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", headers.get("Content-Type", "text/xml"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
            """Keep the log for errors."""

    return ThreadingHTTPServer(("127.0.0.1", port), Answering)


def main() -> None:
    """Serve until SIGTERM, then stop the Redis servers; end at once with the starter."""
    end_with_parent()
    folder, port, emulator_url = sys.argv[1:]
    backed = Backed(Path(folder), emulator_url)
    server = serve(backed, int(port))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stop.wait()
    server.shutdown()
    backed.servers.close()


if __name__ == "__main__":
    main()
