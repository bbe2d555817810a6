"""A real Redis behind each simulated cluster: TLS and the cluster's tokens, or neither."""

from __future__ import annotations

import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .certificates import Certificates

INSTALLED = shutil.which("redis-server")


class RedisServers:
    """One `redis-server` process per cluster, on ports of 127.0.0.1; without the program, ports only."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self._folder = folder
        self._certificates = certificates
        self._ports: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[str]] = {}

    def port(self, name: str) -> int:
        """Return the port of a cluster, the same at every call."""
        if name not in self._ports:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._ports[name] = int(free.getsockname()[1])
        return self._ports[name]

    def start(self, name: str, *, tls: bool, tokens: Sequence[str]) -> None:
        """(Re)start a cluster's server, which takes any of `tokens`; none means no password."""
        self.stop(name)
        if not INSTALLED:
            return
        process = subprocess.Popen(
            [INSTALLED, "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdin
        # The tokens go in by standard input: arguments can be read by every user of the machine.
        process.stdin.write(self._settings(name, tls=tls, tokens=tokens))
        process.stdin.close()
        self._running[name] = process

    def stop(self, name: str) -> None:
        """Stop a cluster's server, if it runs."""
        process = self._running.pop(name, None)
        if process:
            process.terminate()
            process.wait(timeout=10)

    def close(self) -> None:
        """Stop every server."""
        for name in list(self._running):
            self.stop(name)

    def _settings(self, name: str, *, tls: bool, tokens: Sequence[str]) -> str:
        port = self.port(name)
        lines = ["bind 127.0.0.1", 'save ""', "appendonly no", f"dir {self._folder}", "maxmemory 32mb"]
        if tls:
            lines += [
                "port 0",
                f"tls-port {port}",
                f"tls-cert-file {self._certificates.chain}",
                f"tls-key-file {self._certificates.key}",
                f"tls-ca-cert-file {self._certificates.authority}",
                "tls-auth-clients no",
            ]
        else:
            lines.append(f"port {port}")
        passwords = " ".join(f">{token}" for token in tokens) or "nopass"
        lines.append(f"user default on {passwords} ~* &* +@all")
        return "\n".join(lines) + "\n"
