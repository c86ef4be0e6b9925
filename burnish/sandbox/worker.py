"""A fork server as its owner sees it: start, send a program, take the reply, kill."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from burnish.errors import SandboxError
from burnish.sandbox import wire
from burnish.sandbox.execution import Limits

START_TIMEOUT_S = 60.0
GRACE_S = 3.0
"""How long after a program's time limit its server may still be silent."""
MIN_READ_S = 0.01
"""How long an overdue server may take to begin its reply."""

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from burnish.sandbox.server import main;"
    " sys.path.pop(0); main(int(sys.argv[2]), sys.argv[3], sys.argv[4])"
)
# -s -P -S with an environment of this one variable is -I -S, except that -I would ignore it;
# without it the order of a set would change from server to server.
_FLAGS = ("-s", "-P", "-S", "-B")
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}


class Worker:
    """One fork server process. At most one program is with it at a time."""

    def __init__(self, preloaded: str) -> None:
        """Start it, without waiting for it; `preloaded` names modules, space between."""
        self._channel, remote = socket.socketpair()
        self._is_ready = False
        self._output_bytes = 0
        self.deadline = 0.0
        package_root = Path(__file__).resolve().parents[2]
        arguments = (str(package_root), str(remote.fileno()), _site_folder(), preloaded)
        with remote:
            self._process = _started(arguments, remote.fileno())

    def fileno(self) -> int:
        """The descriptor that becomes readable when the reply is there."""
        return self._channel.fileno()

    def send(self, program: str, limits: Limits) -> None:
        """Hand over one program.

        Raises EOFError or OSError where the server is gone, SandboxError where none can start.
        """
        if not self._is_ready:
            self._await_ready()
        self._channel.settimeout(limits.timeout_s + GRACE_S)
        self._output_bytes = limits.output_bytes
        self.deadline = time.monotonic() + limits.timeout_s + GRACE_S
        source = program.encode("utf-8", "surrogatepass")
        request = wire.Request(limits.timeout_s, limits.memory_bytes, limits.output_bytes, source)
        wire.send_request(self._channel, request)

    def receive(self) -> wire.Reply:
        """Take the reply. Raises EOFError, OSError where the server is gone or hangs."""
        self._channel.settimeout(max(MIN_READ_S, self.deadline - time.monotonic()))
        return wire.receive_reply(self._channel, self._output_bytes)

    def close(self) -> None:
        """End the server, whatever it is doing; its program dies with it."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()

    def forget(self) -> None:
        """Let go of a server that belongs to the process this one was forked from."""
        self._channel.close()
        self._process.returncode = 0  # so that Popen does not try to reap another's child

    def _await_ready(self) -> None:
        self._channel.settimeout(START_TIMEOUT_S)
        with contextlib.suppress(EOFError, OSError):
            if wire.receive_exactly(self._channel, len(wire.READY)) == wire.READY:
                self._is_ready = True
                return
        self._process.kill()
        _, stderr = self._process.communicate()
        last_words = stderr.decode("utf-8", "replace").strip()[-500:] or "it printed nothing"
        raise SandboxError(
            f"The sandbox's fork server ({sys.executable}) did not start within"
            f" {START_TIMEOUT_S:.0f} s: {last_words}. Programs cannot be run without it; check that"
            " this interpreter starts with `-S` and that processes may be created."
        )


def _started(arguments: Sequence[str], channel_fd: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, *_FLAGS, "-c", _BOOT, *arguments],
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[channel_fd],
            start_new_session=True,  # Ctrl-C in a terminal is for this process, not for the server
            cwd="/",
        )
    except OSError as error:
        raise SandboxError(
            f"The sandbox's fork server ({sys.executable}) could not be started: {error}. Programs"
            " cannot be run without it; check the limits on processes and memory (`ulimit -a`)."
        ) from error


def _site_folder() -> str:
    """Where sympy lies, for programs that import it; empty where it is not installed."""
    found = importlib.util.find_spec("sympy")
    return str(Path(found.origin).parents[1]) if found and found.origin else ""
