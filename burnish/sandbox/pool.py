"""Runs programs that a model wrote, many per second, each in a process of its own.

One fork server per processor is started by exec with an empty environment; a second set, with
sympy imported, only when a program first names sympy. Each server forks one process per program:
limits on time, memory, output, open files and file size, no new processes, no signals
to others (where Linux's seccomp is there), no inherited descriptors. The program's value comes
back as plain tagged data over a private pipe and is checked here; nothing is unpickled or
evaluated. When a program manages to kill its server, a new one is started, and the programs that
were running are run again one by one, so that only the culprit is reported as killed.

Not protected (yet): the file system (a program can read and write whatever the user of this
process can, `Limits.output_bytes` a file) and the network; other processes' memory and /proc as
far as the user may look; the number of files written. On macOS, and on processors other than
x86_64 and aarch64, programs can also create processes as root, signal other processes, and (macOS)
exceed the memory limit. Run untrusted models in a container.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import selectors
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from burnish.sandbox import wire
from burnish.sandbox.execution import ErrorKind, Execution, Limits
from burnish.sandbox.report import execution_of
from burnish.sandbox.worker import Worker

_SYMPY = re.compile(r"\bsympy\b")
_KINDS = ("", "sympy")


class Sandbox:
    """A pool of fork servers, started when first needed; a context manager.

    One batch runs at a time; other threads wait. Pickled, it is a new pool of the same size; in a
    forked process it starts servers of its own.
    """

    def __init__(self, num_workers: int | None = None) -> None:
        """`num_workers`: servers of each kind; by default one per available processor."""
        self._num_workers = num_workers or len(os.sched_getaffinity(0))
        self._lock = threading.Lock()
        self._owner_pid = os.getpid()
        self._lanes = {kind: _Lane(kind, self._num_workers) for kind in _KINDS}

    def execute(self, program: str, limits: Limits) -> Execution:
        """Run one program. Raises SandboxError where no program can be run at all."""
        return self.execute_all([program], limits)[0]

    def execute_all(self, programs: Sequence[str], limits: Limits) -> list[Execution]:
        """Run many programs, side by side; results in their order. Raises SandboxError."""
        self._leave_the_parents_servers()
        executions: dict[int, Execution] = {}
        with self._lock:
            for kind, lane in self._lanes.items():
                chosen = {i: p for i, p in enumerate(programs) if _kind(p) == kind}
                executions |= lane.run(chosen, limits)
        return [executions[index] for index in range(len(programs))]

    def close(self) -> None:
        """End all servers. The pool can be used again: it starts new ones."""
        self._leave_the_parents_servers()
        with self._lock:
            for lane in self._lanes.values():
                lane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Sandbox], tuple[int]]:
        return Sandbox, (self._num_workers,)

    def _leave_the_parents_servers(self) -> None:
        if self._owner_pid == os.getpid():
            return
        self._owner_pid = os.getpid()
        self._lock = threading.Lock()  # the old one may be held by a thread that is not here
        for lane in self._lanes.values():
            lane.abandon()


def execute(program: str, limits: Limits) -> Execution:
    """Run one program in the process-wide pool. Raises SandboxError."""
    return shared_sandbox().execute(program, limits)


def execute_all(programs: Sequence[str], limits: Limits) -> list[Execution]:
    """Run many programs in the process-wide pool. Raises SandboxError."""
    return shared_sandbox().execute_all(programs, limits)


@functools.cache
def shared_sandbox() -> Sandbox:
    """The process-wide pool, closed when the process ends."""
    sandbox = Sandbox()
    atexit.register(sandbox.close)
    return sandbox


def _kind(program: str) -> str:
    return "sympy" if _SYMPY.search(program) else ""


class _Lane:
    """The servers of one kind."""

    def __init__(self, preloaded: str, num_workers: int) -> None:
        self._preloaded = preloaded
        self._num_workers = num_workers
        self._idle: list[Worker] = []
        self._busy: dict[Worker, int] = {}

    def run(self, programs: dict[int, str], limits: Limits) -> dict[int, Execution]:
        executions: dict[int, Execution] = {}
        try:
            suspects = self._run_side_by_side(programs, limits, executions)
            for index in suspects:  # alone, so that a dying server has one possible cause
                alone = {index: programs[index]}
                if self._run_side_by_side(alone, limits, executions):
                    executions[index] = _KILLED_ITS_SERVER
        finally:
            for worker in self._busy:  # only where an exception, such as Ctrl-C, leaves some
                worker.close()
            self._busy.clear()
        return executions

    def close(self) -> None:
        for worker in self._idle:
            worker.close()
        self._idle.clear()

    def abandon(self) -> None:
        for worker in (*self._idle, *self._busy):
            worker.abandon()
        self._idle.clear()
        self._busy.clear()

    def _run_side_by_side(
        self, programs: dict[int, str], limits: Limits, executions: dict[int, Execution]
    ) -> list[int]:
        """Add what came back; the indices whose server died under them are returned."""
        waiting = deque(programs)
        suspects: list[int] = []
        self._start_workers(min(len(programs), self._num_workers))
        while waiting or self._busy:
            while waiting and len(self._busy) < self._num_workers:
                index = waiting.popleft()
                if not self._send(index, programs[index], limits):
                    suspects.append(index)
            for worker in self._answering():
                index = self._busy.pop(worker)
                reply = self._reply_of(worker)
                if reply is None:
                    suspects.append(index)
                else:
                    executions[index] = execution_of(reply, limits)
        return suspects

    def _start_workers(self, num_workers: int) -> None:
        while len(self._idle) < num_workers:
            self._idle.append(Worker(self._preloaded))

    def _send(self, index: int, program: str, limits: Limits) -> bool:
        self._start_workers(1)
        worker = self._idle.pop()
        try:
            worker.send(program, limits)
        except (EOFError, OSError):
            worker.close()
            return False
        self._busy[worker] = index
        return True

    def _answering(self) -> Iterable[Worker]:
        """Busy workers that have answered or died; those past their deadline count as dead."""
        if not self._busy:
            return []
        with selectors.DefaultSelector() as selector:
            for worker in self._busy:
                selector.register(worker, selectors.EVENT_READ, worker)
            first_deadline = min(worker.deadline for worker in self._busy)
            ready = selector.select(max(0.0, first_deadline - time.monotonic()))
        if ready:
            return [key.data for key, _ in ready]
        return [worker for worker in self._busy if worker.deadline <= time.monotonic()]

    def _reply_of(self, worker: Worker) -> wire.Reply | None:
        if worker.deadline <= time.monotonic():
            worker.close()
            return None
        try:
            reply = worker.receive()
        except (EOFError, OSError):
            worker.close()
            return None
        self._idle.append(worker)
        return reply


_KILLED_ITS_SERVER = Execution(None, ErrorKind.KILLED, "", 0.0, "the program killed its server")
