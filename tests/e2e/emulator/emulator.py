"""Starts and stops the emulated AWS, and talks to it.

Two processes, both on 127.0.0.1 only: MiniStack with its gaps closed, on its own interpreter, and the
simulator of ElastiCache with the Redis servers. Everything they write lies in one private folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from . import certificates

ROOT = Path(__file__).resolve().parents[3]
INTERPRETER = ROOT / ".build" / "ministack" / "bin" / "python"
REGION = "us-east-1"
ACCOUNT = "000000000000"

_CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")


class Emulator:
    """An emulated AWS, as a context manager; `folder` must exist and be empty.

    Its ElastiCache is this project's simulator, or with `stock_elasticache` MiniStack's own.
    """

    def __init__(self, folder: Path, speed: float = 20.0, *, stock_elasticache: bool = False) -> None:
        self.folder = folder
        self.speed = speed
        self._stock_elasticache = stock_elasticache
        self.certificates = certificates.make(folder)
        self.port, self._elasticache_port = _free_ports(2)
        self.url = f"https://localhost:{self.port}"
        self.host = f"localhost:{self.port}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def client(self, service: str) -> Any:
        """Return a boto3 client with every permission (the account's root)."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            verify=str(self.certificates.authority),
            config=Config(proxies={}),
        )

    def environment(self) -> dict[str, str]:
        """Return the environment in which command line tools meet this emulator instead of AWS."""
        return {
            **_clean_environment(),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.certificates.authority),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "1",
        }

    def order(self, misbehaviour: str, *arguments: object) -> None:
        """Order a misbehaviour of ElastiCache by the simulator's method of that name."""
        body = json.dumps(arguments).encode()
        url = f"http://127.0.0.1:{self._elasticache_port}/order/{misbehaviour}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(urllib.request.Request(url, data=body), timeout=10).close()

    def stop(self) -> None:
        """End both processes and what they started, by their own process groups."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=3)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def _start(self) -> None:
        temporary = self.folder / "tmp"
        temporary.mkdir()
        clean = {**_clean_environment(), "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
        simulator = "" if self._stock_elasticache else self._start_simulator(clean)
        self._run(
            "ministack",
            [str(INTERPRETER), "-m", "tests.e2e.emulator.launcher"],
            {
                **clean,
                "GATEWAY_PORT": str(self.port),
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_HOST": "localhost",
                "MINISTACK_REGION": REGION,
                "MINISTACK_SSL_CERT": str(self.certificates.chain),
                "MINISTACK_SSL_KEY": str(self.certificates.key),
                "USE_SSL": "1",
                "AUTH": "true",
                "IOT_MTLS_ENABLED": "0",
                "LAMBDA_EXECUTOR": "local",
                "EMULATOR_ELASTICACHE": simulator,
                "EMULATOR_SPEED": str(self.speed),
            },
        )
        self._wait_until_healthy()

    def _start_simulator(self, environment: dict[str, str]) -> str:
        """Start the simulator of ElastiCache; return its URL."""
        module, port = "tests.e2e.emulator.elasticache_server", str(self._elasticache_port)
        command = [sys.executable, "-m", module, str(self.folder), port, self.url]
        self._run("elasticache", command, environment)
        return f"http://127.0.0.1:{port}"

    def _run(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _wait_until_healthy(self) -> None:
        context = ssl.create_default_context(cafile=str(self.certificates.authority))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        for _ in range(120):
            for process in self._processes:
                if process.poll() is not None:
                    raise RuntimeError(f"the emulator did not start; see the logs in {self.folder}")
            with contextlib.suppress(OSError):
                opener.open(f"{self.url}/_ministack/health", timeout=2).close()
                return
            time.sleep(0.25)
        raise RuntimeError(f"the emulator did not answer within 30 s; see the logs in {self.folder}")


def _clean_environment() -> dict[str, str]:
    """Return this process's environment without AWS settings, proxies and certificate bundles."""
    removed = (*_CA_VARIABLES, *_PROXIES)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {name: value for name, value in kept.items() if name not in removed}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in taken]
