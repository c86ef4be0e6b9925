"""The two messages between the pool and a fork server, over one private socket.

request   timeout_s, memory_bytes, output_bytes, length of the program, then the program
reply     timed_out, wait status, seconds, two lengths, then the stdout and the result
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

MAX_RESULT_BYTES = 1 << 20
"""Most that a program's process may send as its value."""

READY = b"burnish sandbox ready"
_REQUEST = struct.Struct("!dQQQ")
_REPLY = struct.Struct("!?idQQ")


class Request(NamedTuple):
    """One program to run. The program is UTF-8, lone surrogates included."""

    timeout_s: float
    memory_bytes: int
    output_bytes: int
    program: bytes


class Reply(NamedTuple):
    """How its process ended: `status` as of waitpid; `stdout` and `result` as it left them."""

    timed_out: bool
    status: int
    seconds: float
    stdout: bytes
    result: bytes


def send_request(channel: socket.socket, request: Request) -> None:
    """Raises OSError where the other side is gone."""
    timeout_s, memory_bytes, output_bytes, program = request
    header = _REQUEST.pack(timeout_s, memory_bytes, output_bytes, len(program))
    channel.sendall(header + program)


def receive_request(channel: socket.socket) -> Request:
    """Raises EOFError where the other side is gone."""
    header = receive_exactly(channel, _REQUEST.size)
    timeout_s, memory_bytes, output_bytes, length = _REQUEST.unpack(header)
    return Request(timeout_s, memory_bytes, output_bytes, receive_exactly(channel, length))


def send_reply(channel: socket.socket, reply: Reply) -> None:
    """Raises OSError where the other side is gone."""
    timed_out, status, seconds, stdout, result = reply
    header = _REPLY.pack(timed_out, status, seconds, len(stdout), len(result))
    channel.sendall(header + stdout + result)


def receive_reply(channel: socket.socket, output_bytes: int) -> Reply:
    """Raises EOFError where the other side is gone or sends more than it was allowed."""
    header = receive_exactly(channel, _REPLY.size)
    timed_out, status, seconds, num_stdout, num_result = _REPLY.unpack(header)
    if num_stdout > output_bytes + 1 or num_result > MAX_RESULT_BYTES:
        raise EOFError("an oversized reply")
    stdout = receive_exactly(channel, num_stdout)
    result = receive_exactly(channel, num_result)
    return Reply(timed_out, status, seconds, stdout, result)


def receive_exactly(channel: socket.socket, num_bytes: int) -> bytes:
    """Raises EOFError where the stream ends before."""
    buffer = bytearray()
    while len(buffer) < num_bytes:
        chunk = channel.recv(min(num_bytes - len(buffer), 1 << 18))
        if not chunk:
            raise EOFError(f"{len(buffer)} of {num_bytes} bytes")
        buffer += chunk
    return bytes(buffer)
