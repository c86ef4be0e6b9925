"""Ending a run from its progress: by a signal, or as a kill would."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from burnish.run.progress import Silent


class Killed(BaseException):
    """The process died: nothing handles it, and nothing is saved after it."""


class Interrupting(Silent):
    """Stops or kills the run after a step of a stage."""

    def __init__(self, stage: str, step: int, *, kill: bool) -> None:
        self._place, self._kill, self._stage = (stage, step), kill, ""

    def stage(self, name: str, num_done: int, num_steps: int) -> None:
        self._stage = name

    def step(self, num_done: int, metrics: Mapping[str, float]) -> None:
        if (self._stage, num_done) != self._place:
            return
        if self._kill:
            raise Killed
        os.kill(os.getpid(), signal.SIGINT)
