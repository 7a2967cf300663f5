"""A stand-in for products whose operations are paths: it records what it is sent, and gives the answers it is told."""

import hashlib
import hmac
import json
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock
from urllib.parse import parse_qsl, quote, urlsplit


@dataclass
class Received:
    """A request. Header names are in lower case."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    def starting_with(self, *starts):
        """The headers whose names start so."""
        return {name: value for name, value in self.headers.items() if name.startswith(starts)}


class Recorder:
    """Answers each `(method, path)` with the given JSON, or with an empty body of the given status."""

    def __init__(self, answers):
        self.received = received = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("content-length", 0))
                url = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(url.query, keep_blank_values=True))
                received.append(Received(self.command, url.path, query, headers, self.rfile.read(length)))
                answer = answers.get((self.command, url.path), 404)
                status, body = (answer, b"") if isinstance(answer, int) else (200, json.dumps(answer).encode())
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.send_header("content-type", "application/json")
                self.send_header("x-fc-request-id", "1-recorded")
                self.send_header("x-log-requestid", "recorded")
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def taken(self):
        """Returns what was received since the last time."""
        seen, self.received[:] = list(self.received), []
        return seen

    def instead_of(self, domain):
        """Leads connections to any host below `domain` here, whatever their port."""
        look_up = socket.getaddrinfo

        def here(host, port, *arguments, **named):
            if not str(host).endswith(domain):
                return look_up(host, port, *arguments, **named)
            return look_up("127.0.0.1", self.port, *arguments, **named)

        return mock.patch.object(socket, "getaddrinfo", here)


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def acs3_signature(received, secret):
    """The `ACS3-HMAC-SHA256` signature of a request, over the headers that it names, from what was received alone."""
    _, _, parts = received.headers["authorization"].partition(" ")
    names = dict(part.split("=", 1) for part in parts.split(","))["SignedHeaders"]
    query = sorted(received.query.items())
    canonical = [
        received.method,
        received.path,
        "&".join(f"{quote(key, '~')}={quote(value, '~')}" for key, value in query),
        "".join(f"{name}:{received.headers[name].strip()}\n" for name in names.split(";")),
        names,
        _sha256(received.body),
    ]
    text = "ACS3-HMAC-SHA256\n" + _sha256("\n".join(canonical).encode())
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sls4_signature(received, secret, region):
    """The `SLS4-HMAC-SHA256` signature of a request, from what was received alone."""

    def is_signed(name):
        return name in ("host", "content-type") or name.startswith(("x-log-", "x-acs-"))

    names = sorted(name for name in received.headers if is_signed(name))
    canonical = [
        received.method,
        received.path,
        "&".join(f"{quote(key, '~')}={quote(value, '~')}" for key, value in sorted(received.query.items())),
        "".join(f"{name}:{received.headers[name].strip()}\n" for name in names),
        ";".join(names),
        _sha256(received.body),
    ]
    date = received.headers["x-log-date"]
    scope = [date[:8], region, "sls", "aliyun_v4_request"]
    text = "\n".join(["SLS4-HMAC-SHA256", date, "/".join(scope), _sha256("\n".join(canonical).encode())])
    key = f"aliyun_v4{secret}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
