"""The fork server: one program after the other, each in a forked process with limits.

Started by `Worker` with exec, an empty environment and one socket. It never runs a program itself:
it forks, the child limits itself and runs the program, and the server waits until the child's
private pipe closes or time is up, kills the child's whole process group, and reports.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import math
import os
import random
import resource
import select
import signal
import socket
import sys
import tempfile
import time
from typing import NoReturn

from burnish.sandbox import syscall_filter, wire
from burnish.sandbox.program import outcome_of

MAX_OPEN_FILES = 64
_RESULT_FD = 3
_PR_SET_PDEATHSIG = 1
_PRELOADED = (
    "bisect calendar cmath collections datetime decimal fractions functools heapq itertools math"
    " operator re statistics string traceback typing"
)


def main(channel_fd: int, site_folder: str, preloaded: str) -> None:
    """Serve requests from the socket until its other side closes."""
    channel = socket.socket(fileno=channel_fd)
    if site_folder:
        sys.path.append(site_folder)
    for name in f"{_PRELOADED} {preloaded}".split():
        importlib.import_module(name)
    os.environ.clear()
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN_FILES, MAX_OPEN_FILES))
    server = _Server(is_filtered=syscall_filter.is_available(), base_bytes=_address_space())
    gc.collect()
    gc.freeze()  # the children share these pages
    channel.sendall(wire.READY)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            wire.send_reply(channel, server.run(wire.receive_request(channel)))


class _Server:
    def __init__(self, *, is_filtered: bool, base_bytes: int) -> None:
        self._is_filtered = is_filtered
        self._base_bytes = base_bytes
        self._libc = ctypes.CDLL(None)

    def run(self, request: wire.Request) -> wire.Reply:
        stdout_fd = _scratch_file()
        read_fd, write_fd = os.pipe()
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._child(request, stdout_fd, write_fd)
        os.close(write_fd)
        result, timed_out = _read_until(read_fd, started + request.timeout_s)
        _kill_group(pid)
        _, status = os.waitpid(pid, 0)
        seconds = time.monotonic() - started
        stdout = os.pread(stdout_fd, request.output_bytes + 1, 0)
        os.close(read_fd)
        os.close(stdout_fd)
        return wire.Reply(timed_out, status, seconds, stdout, result)

    def _child(self, request: wire.Request, stdout_fd: int, result_fd: int) -> NoReturn:
        """Become a limited process, run the program, write its outcome to the pipe, exit."""
        try:
            os.setsid()
            os.dup2(stdout_fd, 1)
            os.dup2(0, 2)
            os.dup2(result_fd, _RESULT_FD)
            os.closerange(_RESULT_FD + 1, MAX_OPEN_FILES)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            if sys.platform == "linux":
                self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            random.seed(0)  # a program that draws numbers draws the same ones each time
            self._limit(request)
            outcome = outcome_of(request.program)
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
            _write_all(_RESULT_FD, outcome)
        finally:
            os._exit(0)

    def _limit(self, request: wire.Request) -> None:
        cpu_s = math.ceil(request.timeout_s) + 1
        _set_limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 1)  # SIGXCPU, then SIGKILL
        _set_limit(resource.RLIMIT_CORE, 0)
        _set_limit(resource.RLIMIT_FSIZE, request.output_bytes + 1)
        if self._base_bytes:
            _set_limit(resource.RLIMIT_AS, self._base_bytes + request.memory_bytes)
        if self._is_filtered:
            syscall_filter.install(os.getpid())
        else:  # for root this is no limit
            _set_limit(resource.RLIMIT_NPROC, 0)


def _set_limit(which: int, soft: int, hard: int | None = None) -> None:
    """Lower both limits for good; `hard` is `soft` unless given."""
    _, ceiling = resource.getrlimit(which)
    hard = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(which, (soft, hard))


def _address_space() -> int:
    """Bytes of address space of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _scratch_file() -> int:
    """A descriptor of an empty file without a name; the kernel holds its size (RLIMIT_FSIZE)."""
    if sys.platform == "linux":
        return os.memfd_create("stdout")
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)
    return descriptor


def _read_until(descriptor: int, deadline: float) -> tuple[bytes, bool]:
    """All bytes until the pipe closes, and whether the deadline came first."""
    received = bytearray()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while len(received) <= wire.MAX_RESULT_BYTES:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not poll.poll(remaining * 1000 + 1):
            return b"", True
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return bytes(received), False
        received += chunk
    return b"", False


def _kill_group(pid: int) -> None:
    """Not yet reaped, so the number is still this child's; it may not lead a group yet."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
