"""MCTS*: tree search guided by a value model (ReST-MCTS*, arXiv:2406.03816, section 3 and app. C).

    SELECT     from the root, while expanded: argmax V + c sqrt(2 ln N_parent / n); new ones V + inf
    CRITIC     is the partial solution finished? then skip to BACKUP
    EXPAND     b next steps, valued
    ROLLOUT    from the best child, m steps, the best value met: V <- (1 - alpha) V + alpha V_best
    BACKUP     up to the root: N += 1, V <- sum n V / sum n over the children

One round is one iteration. Where paper and released code differ, the defaults are the code's; the
README beside this file lists the differences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from burnish.search.asker import Asker
from burnish.search.asks import Asking, End, Step
from burnish.search.expansion import add_step, grow, next_steps
from burnish.search.rollout import Rollout, RolloutConfig, rollout
from burnish.search.tree import ROOT, Tree, merge_key


class MctsConfig(RolloutConfig):
    """MCTS*, with every constant of the published code (evaluate.py's values as defaults)."""

    type: Literal["mcts"] = "mcts"
    """the search"""
    max_depth: int = Field(default=32, ge=1)
    """most steps of a solution (the published search has no such limit)"""
    iteration_limit: int = Field(default=100, ge=1)
    """iterations (evaluate.py: 100; its README and data generation: 50)"""
    exploration: float = Field(default=0.4, ge=0)
    """c: weight of the exploration term (class 0.7; evaluate.py 0.4; data generation 0.5)"""
    log_factor: float = Field(default=2.0, ge=0)
    """factor of the logarithm under the root (code: 2; paper: 1)"""
    inf: float = 0.8
    """added to V of an unvisited child (class 1.0; evaluate.py 0.8; data generation 0.9)"""
    when_found: Literal["stop", "continue"] = "stop"
    """at a solution past the gate: stop (evaluation), or mark it as ended and go on (data)"""

    @classmethod
    def for_data(cls, *, branch: int = 3) -> MctsConfig:
        """The published settings for making training data."""
        return cls(
            branch=branch,
            iteration_limit=50,
            end_gate=0.8,
            exploration=0.5,
            inf=0.9,
            roll_forward_steps=1,
            when_found="continue",
        )

    def round(self, tree: Tree) -> Asking[None]:
        """One iteration."""
        ask = Asker(tree)
        leaf = _select(self, tree, ask)
        if self.is_found(tree, leaf):
            if self.when_found == "stop":
                tree.solution = leaf
                return
            tree.mark(leaf, End.FINAL)
        if tree.is_open(leaf):
            yield from _expand(self, tree, ask, leaf)
        _back_up(tree, leaf)

    def is_over(self, tree: Tree) -> bool:
        """Whether a solution ended the search, the iterations are done or nothing can be grown."""
        if tree.solution >= 0 or tree.num_rounds >= self.iteration_limit:
            return True
        nodes = reversed(range(len(tree)))
        return not any(tree.is_open(node) and not tree.is_expanded[node] for node in nodes)


def upper_bound(config: MctsConfig, value: float, visits: int, parent_visits: int) -> float:
    """What SELECT maximises: `V + c sqrt(2 ln N / n)`, and `V + inf` before the first visit."""
    if not visits:
        return value + config.inf
    bonus = math.sqrt(config.log_factor * math.log(parent_visits) / visits)
    return value + config.exploration * bonus


def _select(config: MctsConfig, tree: Tree, ask: Asker) -> int:
    node = ROOT
    while tree.is_expanded[node]:
        children = tree.children[node]
        bounds = [
            upper_bound(config, tree.values[i], tree.visits[i], tree.visits[node]) for i in children
        ]
        node = children[_argmax(bounds, ask, "select", node)]
    return node


def _expand(config: MctsConfig, tree: Tree, ask: Asker, leaf: int) -> Asking[None]:
    """Ask for all that the iteration needs, then change the tree."""
    prefix = tree.prefix(leaf)
    if config.self_critic == "ask" and leaf != ROOT:
        critique = yield from ask.criticise(prefix)
        if critique.is_finished:
            ask.commit()
            tree.mark(leaf, End.FINAL)
            return
    (proposed,) = yield from next_steps(config, ask, [prefix])
    nexts = _with_rolled(tree, leaf, proposed)
    if not nexts:
        ask.commit()
        tree.mark(leaf, End.STUCK)
        return
    start = _argmax([value for _, value in nexts], ask, "roll", leaf)
    rolled = yield from rollout(config, ask, prefix.followed_by(nexts[start][0]), nexts[start][1])
    ask.commit()
    child = grow(config, tree, leaf, nexts)[start]
    _blend(config, tree, child, rolled)


def _with_rolled(
    tree: Tree, leaf: int, proposed: Sequence[tuple[Step, float]]
) -> list[tuple[Step, float]]:
    """Steps that an earlier rollout left below the leaf, then the proposed ones that are new."""
    rolled = [(tree.steps[i], tree.values[i]) for i in tree.children[leaf]]
    known = {merge_key(step) for step, _ in rolled}
    return rolled + [pair for pair in proposed if merge_key(pair[0]) not in known]


def _blend(config: MctsConfig, tree: Tree, child: int, rolled: Rollout) -> None:
    """Pay the rollout's best value into the child it started from, and count it as a visit."""
    if rolled.start_is_finished:
        tree.mark(child, End.FINAL)
    blended = (1 - config.alpha) * tree.values[child] + config.alpha * rolled.best_value
    tree.values[child] = blended
    tree.visit([child])
    if config.rolled_steps == "kept":
        node = child
        for step, value in zip(rolled.steps, rolled.values, strict=True):
            if not tree.is_open(node):
                break
            node = add_step(config, tree, node, step, value)


def _back_up(tree: Tree, node: int) -> None:
    for i in [ROOT, *tree.path(node)][::-1]:
        tree.visits[i] += 1
        visits = sum(tree.visits[child] for child in tree.children[i])
        if tree.is_expanded[i] and visits:
            total = sum(tree.visits[child] * tree.values[child] for child in tree.children[i])
            tree.values[i] = total / visits


def _argmax(values: Sequence[float], ask: Asker, purpose: str, node: int) -> int:
    """Where the greatest value stands; one of them by chance where there are several."""
    greatest = max(values)
    return ask.choice([i for i, v in enumerate(values) if v == greatest], purpose, node)
