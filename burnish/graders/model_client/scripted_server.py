"""A real server on this machine, for tests, that answers as told: late, wrongly, in pieces."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send.

    Attributes:
        body: JSON, or a string to be sent as it is.
        status: of HTTP.
        headers: of HTTP.
        delay_s: the wait before the reply, and between its pieces.
        num_pieces: into how many the reply is cut.
    """

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    num_pieces: int = 1

    @staticmethod
    def said(
        text: str | None,
        *,
        finish_reason: str = "stop",
        refusal: str | None = None,
        num_tokens: int = 7,
        delay_s: float = 0.0,
    ) -> Reply:
        """A chat completion."""
        message = {"role": "assistant", "content": text, "refusal": refusal}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason}
        usage = {"total_tokens": num_tokens}
        return Reply({"choices": [choice], "usage": usage}, delay_s=delay_s)


Script: TypeAlias = "Sequence[Reply] | Callable[[Any], Reply]"


@dataclass(frozen=True, slots=True)
class Received:
    """A request."""

    path: str
    headers: Mapping[str, str]
    body: Any


class ScriptedServer:
    """Answers every POST; a context manager.

    Attributes:
        script: replies in turn, the last one for ever, or a function of the request's body.
        requests: all so far.
        most_at_once: how many were under way at a time.
    """

    def __init__(self) -> None:
        self.script: Script = [Reply({})]
        self.requests: list[Received] = []
        self.most_at_once = 0
        self._num_at_once = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address up to the version."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def bodies(self) -> list[Any]:
        """What was asked."""
        return [request.body for request in self.requests]

    def close(self) -> None:
        """Nobody is at the address afterwards."""
        self._http.shutdown()
        self._http.server_close()

    @contextlib.contextmanager
    def answering(self, request: Received) -> Iterator[Reply]:
        """The reply; the question counts as under way until the block ends."""
        with self._lock:
            place = len(self.requests)
            self.requests.append(request)
            self._num_at_once += 1
            self.most_at_once = max(self.most_at_once, self._num_at_once)
        try:
            script = self.script
            yield script(request.body) if callable(script) else script[min(place, len(script) - 1)]
        finally:
            with self._lock:
                self._num_at_once -= 1


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.answering(Received(self.path, dict(self.headers), body)) as reply:
                time.sleep(reply.delay_s)
            # no longer counted as under way: who has the reply may ask again at once
            with contextlib.suppress(OSError):  # the client has given up, as some tests want
                self._send(reply)

        def _send(self, reply: Reply) -> None:
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            data = text.encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            size = -(-len(data) // reply.num_pieces)
            for start in range(0, len(data), size):
                time.sleep(reply.delay_s if start else 0.0)
                self.wfile.write(data[start : start + size])

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    return Handler
