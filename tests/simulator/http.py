"""ElastiCache's query protocol over HTTP: one raw request in, one raw answer out."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol

from moto.core.request import Request

if TYPE_CHECKING:
    from moto.elasticache.responses import ElastiCacheResponse

_URL = "https://elasticache.invalid/"
_NOT_SIMULATED = """<ErrorResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><Error>
<Type>Receiver</Type><Code>NotSimulated</Code><Message>{}</Message></Error></ErrorResponse>"""


class Handler(Protocol):
    """What answers raw requests: the simulator."""

    def handle(
        self, method: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]: ...


def answer(
    responses: type[ElastiCacheResponse], method: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the answer of moto's response class to one request."""
    request = Request.from_primitives(method, _URL, headers, body)
    try:
        status, answered, text = responses.dispatch(request, _URL, request.headers)
    except NotImplementedError as missing:
        return 501, {"Content-Type": "text/xml"}, _NOT_SIMULATED.format(missing).encode()
    payload = text.encode() if isinstance(text, str) else text
    kept = {name: str(value) for name, value in answered.items() if name.lower() != "status"}
    return int(status), kept, payload


class Endpoint:
    """The simulator behind an HTTP port of 127.0.0.1, as a context manager with a `url`."""

    def __init__(self, simulator: Handler, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_class(simulator))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Endpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_class(simulator: Handler) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, payload = simulator.handle("POST", dict(self.headers.items()), body)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            """Log nothing to the test's output."""

    return Answering
