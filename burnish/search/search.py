"""One search as a state machine: it waits for a reply, takes it, and waits for the next or is over.

Everything it needs to go on is in its tree: the tree after the last finished round, and the replies
of the round under way. So it may be stopped between any two replies, its tree written, read again,
and the search goes on as if it had not been stopped; what was paid for is not asked for again.
"""

from __future__ import annotations

from typing import Annotated, Protocol, TypeAlias

from pydantic import Field

from burnish.errors import CheckpointError, EngineError
from burnish.search.asks import Ask, Asking, Reply, require_fit
from burnish.search.beam import BeamConfig
from burnish.search.best_of_n import BestOfNConfig, SelfConsistencyConfig, WeightedVoteConfig
from burnish.search.budget import Budget, Spent, cost_of
from burnish.search.depth_first import DepthFirstConfig
from burnish.search.mcts import MctsConfig
from burnish.search.tree import Tree

AnyStrategy: TypeAlias = Annotated[
    MctsConfig
    | BeamConfig
    | DepthFirstConfig
    | BestOfNConfig
    | SelfConsistencyConfig
    | WeightedVoteConfig,
    Field(discriminator="type"),
]


class Strategy(Protocol):
    """A way to search: what one round does, when to end, which node is the answer.

    All it remembers is in the tree, so that it may go on with a tree read from a file.
    """

    def round(self, tree: Tree) -> Asking[None]:
        """Ask what the round needs, then change the tree; after the first change nothing is asked.

        What it asks depends on the tree and on the replies alone.
        """
        ...

    def is_over(self, tree: Tree) -> bool:
        """Whether no further round is needed."""
        ...

    def best(self, tree: Tree) -> int | None:
        """The node whose path is the answer; None where nothing was proposed."""
        ...


class Search:
    """The search of one tree.

    Attributes:
        tree: what was found so far; the whole state.
        strategy: how it searches.
        budget: when it ends at the latest. Another budget may continue an ended search.
        pending: what it waits for; None when it is over.
    """

    def __init__(self, tree: Tree, strategy: Strategy, budget: Budget | None = None) -> None:
        """Start a new tree, or continue one where its replies end.

        Raises CheckpointError where the replies of the round under way were given to other asks
        than `strategy` makes: between rounds settings may change, within one they may not.
        """
        self.tree = tree
        self.strategy = strategy
        self.budget = budget or Budget()
        self._asking: Asking[None] | None = None
        self.pending: Ask | None = self._next_round()
        for reply in list(tree.replies):
            self._replay(reply)

    @property
    def is_over(self) -> bool:
        """Whether it waits for nothing more."""
        return self.pending is None

    @property
    def best(self) -> int | None:
        """The node whose path is the answer so far; None where nothing was proposed."""
        return self.strategy.best(self.tree)

    def answer(self, reply: Reply) -> None:
        """Take the reply to `pending`, charge for it and go on to the next ask.

        Raises EngineError where the reply does not fit; the search is then as it was before.
        """
        assert self.pending is not None, "an ended search asks nothing"
        require_fit(self.pending, reply)
        self.tree.replies.append(reply)
        self.tree.spent += cost_of(reply)
        self._send(reply)

    def charge_time(self, seconds: float) -> None:
        """Charge for time under way."""
        self.tree.spent += Spent(seconds=seconds)

    def _replay(self, reply: Reply) -> None:
        try:
            if self.pending is None:
                raise EngineError("the round ended before its last reply.")  # noqa: TRY301
            require_fit(self.pending, reply)
        except EngineError as error:
            raise CheckpointError(
                f"tree {self.tree.tree_id!r} was stopped within a round of other settings ({error})"
                " Continue it with the settings it was searched with."
            ) from error
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        assert self._asking is not None, "replies belong to a round under way"
        try:
            self.pending = self._asking.send(reply)
        except StopIteration:
            self._close_round()
            self.pending = self._next_round()

    def _next_round(self) -> Ask | None:
        """Begin rounds until one of them asks something."""
        while self.tree.replies or not self._is_finished():
            self._asking = self.strategy.round(self.tree)
            try:
                return next(self._asking)
            except StopIteration:
                self._close_round()
        return None

    def _is_finished(self) -> bool:
        tree = self.tree
        return self.strategy.is_over(tree) or self.budget.is_spent(tree.spent, len(tree))

    def _close_round(self) -> None:
        self.tree.num_rounds += 1
        self.tree.replies.clear()
