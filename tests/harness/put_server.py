"""The other end of a response: an https server on 127.0.0.1 that keeps what was PUT and answers as told."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DROP = 0
"""In place of a status: close the connection without an answer."""

HANG = -1
"""In place of a status: keep the connection open and answer nothing until the server stops."""


@dataclass
class Put:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class PutServer:
    """Answers the first request with the first of `statuses` and so on; after the last, 200.

    `host` is what a ResponseURL needs, `bundle` the certificate a client must trust.
    """

    statuses: list[int] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        self._stopped = threading.Event()
        self.bundle = Path(self._folder.name) / "server.pem"
        self.bundle.write_bytes(_certificate())
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.bundle)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        # The handshake belongs to the connection's own thread, not to the one that accepts.
        self._server.socket = tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()
        self._folder.cleanup()

    def next_status(self) -> int:
        return self.statuses.pop(0) if self.statuses else 200

    def wait_for_stop(self) -> None:
        self._stopped.wait(timeout=30)


def _handler(owner: PutServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            owner.puts.append(Put(self.path, dict(self.headers), body))
            status = owner.next_status()
            if status == HANG:
                owner.wait_for_stop()
            elif status == DROP:
                self.close_connection = True
            else:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if 300 <= status < 400:
                    self.send_header("Location", f"https://{owner.host}/elsewhere")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: a test reads `puts`."""

    return Handler


def _certificate() -> bytes:
    """Return a key and a self-signed certificate for 127.0.0.1, good for a day, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
