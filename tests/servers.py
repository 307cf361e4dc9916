"""Small real servers on loopback, for what is sent somewhere: HTTP that keeps what it was given, and SMTP."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextlib.contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    """The port of a server that answers until the end."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Hooks(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, status: int, held: threading.Event | None) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.status, self.held, self.got = status, held, list[dict[str, Any]]()


class _Hook(BaseHTTPRequestHandler):
    server: _Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.held is not None:
            self.server.held.wait()
            return
        self.server.got.append(json.loads(body) | {"_path": self.path, "_authorized": "Authorization" in self.headers})
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""


@contextlib.contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """`127.0.0.1:PORT` of a server that takes JSON, and what it has been given."""
    server = _Hooks(status, None)
    with _running(server) as port:
        yield f"127.0.0.1:{port}", server.got


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """`127.0.0.1:PORT` of a server that takes a request and never answers."""
    held = threading.Event()
    with _running(_Hooks(200, held)) as port:
        try:
            yield f"127.0.0.1:{port}"
        finally:
            held.set()


class _Mails(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.got = list[str]()


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a mail needs (RFC 5321, section 4.1.1)."""

    server: _Mails

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.got.append(self._text())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 mail.example\r\n")
            if word == b"QUIT":
                return

    def _text(self) -> str:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.decode())
        return "".join(lines)


@contextlib.contextmanager
def mailbox() -> Iterator[tuple[str, list[str]]]:
    """`127.0.0.1:PORT` of a mail server, and the messages that it has been given."""
    server = _Mails()
    with _running(server) as port:
        yield f"127.0.0.1:{port}", server.got
