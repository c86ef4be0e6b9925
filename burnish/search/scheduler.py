"""Many searches in lock-step: the asks of all of them are answered in one call each.

A beat answers every waiting proposal, then every waiting critique, then every waiting value. The
searches of one strategy keep step by themselves: all of them propose, then all of them value. A
search that ends makes room for the next question, so that batches stay full until the last ones.
What a search finds does not depend on which others run beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from burnish.errors import ConfigError
from burnish.search.asks import (
    Critic,
    Criticise,
    Criticised,
    Propose,
    Proposed,
    Proposer,
    Value,
    Valued,
    Valuer,
    require_count,
)
from burnish.search.search import Search

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Models:
    """Who answers. Searches without values or critics do without these."""

    proposer: Proposer
    valuer: Valuer | None = None
    critic: Critic | None = None


@dataclass(slots=True)
class Traffic:
    """How full the calls were: requests divided by calls is the mean batch."""

    propose_calls: int = 0
    continuations: int = 0
    value_calls: int = 0
    prefixes_valued: int = 0
    critic_calls: int = 0
    prefixes_criticised: int = 0


class Scheduler:
    """Runs searches side by side on the same models.

    Args:
        models: who answers.
        at_once: searches under way together.
        clock: seconds, for budgets in time; `time.monotonic` in a real run.
        should_stop: looked at before each beat; where it says so, `run` returns and the searches
            under way keep their state.

    Attributes:
        traffic: counts of calls and of what was in them.
    """

    def __init__(
        self,
        models: Models,
        *,
        at_once: int = 64,
        clock: Callable[[], float],
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        if at_once < 1:
            raise ConfigError(f"{at_once} searches at once: at least 1 is needed.")
        self._models = models
        self._at_once = at_once
        self._clock = clock
        self._should_stop = should_stop
        self._charged_until = 0.0
        self.traffic = Traffic()

    def run(self, searches: Iterable[Search]) -> Iterator[Search]:
        """Yield each search when it is over, in the order in which they end.

        `searches` is drawn from as room is made. After a stop, those that were not yielded are
        unfinished and continue when they are given to `run` again.
        """
        waiting = iter(searches)
        active: list[Search] = []
        while True:
            active += islice(waiting, self._at_once - len(active))
            yield from (search for search in active if search.is_over)
            active = [search for search in active if not search.is_over]
            if not active:
                # All that came may have been over already: only an empty source is the end.
                active = list(islice(waiting, 1))
                if not active:
                    return
                continue
            if self._should_stop():
                return
            self._beat(active)

    def _beat(self, active: Sequence[Search]) -> None:
        self._charged_until = self._clock()
        self._answer_proposals(active)
        self._answer_critiques(active)
        self._answer_values(active)

    def _charge_time(self, active: Sequence[Search]) -> None:
        """Charge every search under way for the call, before a reply lets a budget be looked at."""
        now = self._clock()
        for search in active:
            search.charge_time(now - self._charged_until)
        self._charged_until = now

    def _answer_proposals(self, active: Sequence[Search]) -> None:
        asking = [(s, s.pending) for s in active if isinstance(s.pending, Propose)]
        requests = [request for _, ask in asking for request in ask.requests]
        if not requests:
            return
        answers = self._models.proposer.propose(requests)
        self._charge_time(active)
        self.traffic.propose_calls += 1
        self.traffic.continuations += sum(request.num_proposals for request in requests)
        shares = _shares("the proposer", answers, [len(ask.requests) for _, ask in asking])
        for (search, _), share in zip(asking, shares, strict=True):
            search.answer(Proposed(tuple(tuple(continuations) for continuations in share)))

    def _answer_critiques(self, active: Sequence[Search]) -> None:
        asking = [(s, s.pending) for s in active if isinstance(s.pending, Criticise)]
        prefixes = [prefix for _, ask in asking for prefix in ask.prefixes]
        if not prefixes:
            return
        if self._models.critic is None:
            raise ConfigError("self_critic: ask needs a critic, and there is none.")
        answers = self._models.critic.criticise(prefixes)
        self._charge_time(active)
        self.traffic.critic_calls += 1
        self.traffic.prefixes_criticised += len(prefixes)
        shares = _shares("the critic", answers, [len(ask.prefixes) for _, ask in asking])
        for (search, _), share in zip(asking, shares, strict=True):
            search.answer(Criticised(share))

    def _answer_values(self, active: Sequence[Search]) -> None:
        asking = [(s, s.pending) for s in active if isinstance(s.pending, Value)]
        prefixes = [prefix for _, ask in asking for prefix in ask.prefixes]
        if not prefixes:
            return
        if self._models.valuer is None:
            raise ConfigError(
                "this search is guided by a value model, and there is none: give one, or search "
                "by self_consistency."
            )
        answers = self._models.valuer.value(prefixes)
        self._charge_time(active)
        self.traffic.value_calls += 1
        self.traffic.prefixes_valued += len(prefixes)
        shares = _shares("the value model", answers, [len(ask.prefixes) for _, ask in asking])
        for (search, _), share in zip(asking, shares, strict=True):
            search.answer(Valued(share))


def _shares(who: str, answers: Sequence[Answer], sizes: Sequence[int]) -> list[tuple[Answer, ...]]:
    """The answers, divided among those who asked. Raises EngineError unless they are as many."""
    require_count(who, len(answers), sum(sizes))
    left = iter(answers)
    return [tuple(islice(left, size)) for size in sizes]
