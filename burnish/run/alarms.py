"""Tells the user of a collapse when an evaluation shows it, and not again at each that follows."""

from __future__ import annotations

from collections.abc import Mapping

from burnish.evaluation.self_correction import ALARMS
from burnish.run.progress import Progress


class Alarms:
    """Those of one stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._told: set[str] = set()

    def heed(self, place: str, metrics: Mapping[str, float]) -> None:
        """Warn of every `alarm/NAME` that is 1 for the first time; `place`: where that was."""
        for name, sentence in ALARMS.items():
            if metrics.get(f"alarm/{name}") == 1.0 and name not in self._told:
                self._told.add(name)
                self._progress.warn(f"{place}: {sentence}")
