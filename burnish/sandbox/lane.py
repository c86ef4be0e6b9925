"""The fork servers of one kind: hands out programs, takes replies, replaces servers that die."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Iterable

from burnish.sandbox.ending import execution_of
from burnish.sandbox.execution import ErrorKind, Execution, Limits
from burnish.sandbox.worker import Worker

_KILLED_ITS_SERVER = Execution(None, ErrorKind.KILLED, "", 0.0, "the program killed its server")


class Lane:
    """Servers with the same modules imported. Not for several threads at a time."""

    def __init__(self, preloaded: str, num_workers: int) -> None:
        """`preloaded` names modules, space between; servers start when first needed."""
        self._preloaded = preloaded
        self._num_workers = num_workers
        self._idle: list[Worker] = []
        self._busy: dict[Worker, int] = {}

    def run(self, programs: dict[int, str], limits: Limits) -> dict[int, Execution]:
        """Run numbered programs side by side. Raises SandboxError where no server starts."""
        executions: dict[int, Execution] = {}
        try:
            for index in self._run_side_by_side(programs, limits, executions):
                alone = {index: programs[index]}  # now a dying server has one possible cause
                if self._run_side_by_side(alone, limits, executions):
                    executions[index] = _KILLED_ITS_SERVER
        finally:
            for worker in list(self._busy):  # only where an exception, such as Ctrl-C, left some
                self._discard(worker)
        return executions

    def close(self) -> None:
        """End the servers."""
        while self._idle:
            self._idle.pop().close()

    def forget(self) -> None:
        """Let go of servers that belong to the process this one was forked from."""
        for worker in (*self._idle, *self._busy):
            worker.forget()
        self._idle.clear()
        self._busy.clear()

    def _run_side_by_side(
        self, programs: dict[int, str], limits: Limits, executions: dict[int, Execution]
    ) -> list[int]:
        """Fill in the executions; the programs whose server died under them are returned."""
        waiting = deque(programs)
        suspects: list[int] = []
        self._start(min(len(programs), self._num_workers))
        while waiting or self._busy:
            while waiting and len(self._busy) < self._num_workers:
                index = waiting.popleft()
                if not self._send(index, programs[index], limits):
                    suspects.append(index)
            for worker in self._answered_or_overdue():
                index = self._busy[worker]
                execution = self._receive(worker, limits)
                if execution is None:
                    suspects.append(index)
                else:
                    executions[index] = execution
        return suspects

    def _start(self, num_workers: int) -> None:
        """Have that many idle servers; they start at the same time."""
        while len(self._idle) < num_workers:
            self._idle.append(Worker(self._preloaded))

    def _send(self, index: int, program: str, limits: Limits) -> bool:
        self._start(1)
        worker = self._idle.pop()
        self._busy[worker] = index
        try:
            worker.send(program, limits)
        except (EOFError, OSError):
            self._discard(worker)
            return False
        return True

    def _answered_or_overdue(self) -> Iterable[Worker]:
        """Wait for busy servers that have answered or died; else those whose time is over."""
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

    def _receive(self, worker: Worker, limits: Limits) -> Execution | None:
        try:
            reply = worker.receive()
        except (EOFError, OSError):
            self._discard(worker)
            return None
        del self._busy[worker]
        self._idle.append(worker)
        return execution_of(reply, limits)

    def _discard(self, worker: Worker) -> None:
        del self._busy[worker]
        worker.close()
