"""Nodes per second of MCTS*: ours, many trees at once, and the same search tree by tree.

    python benchmarks/search.py [--workload NAME ...] [--engines NAME ...] [--trees N]
        [--peer-trees N] [--value FOLDER] [--threads N] [--rounds N] [--clock cpu] [--json FILE]
        [--append]

The peer is the way of published code: one tree, one `generate` of transformers a proposal, one
forward pass a value (`search_peer.py`). Settings, seeds and draws are the same, so in float32 both
grow the same trees; the row of the peer says how many of its trees are ours node for node. The
sides take turns, round by round, and each keeps its best round. `--peer-trees` lets the peer search
the first few of the trees only: it needs as long for each as for any other.

Without `--value` the value model is untrained (random head): speed does not depend on what it says,
but which solution is chosen does. Then `correct/1k tokens` compares the two sides alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch
from rollout_engines import copy_in
from search_peer import GenerateEngine, OneByOneValuer
from table import Row, add_options, publish
from workloads import DTYPES, settle

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.graders.config import default_grader_config
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.models.policy import Policy
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.rollout.step_proposer import StepLimits, StepProposer
from burnish.search.budget import Budget
from burnish.search.mcts import MctsConfig
from burnish.search.scheduler import Models, Scheduler
from burnish.search.search import Search
from burnish.search.steps import SentenceSteps
from burnish.search.tree import Tree
from burnish.training.tree_search import TreeSearchConfig, TreeSearcher
from burnish.training.tree_verdicts import verify_trees
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench
from burnish.types import Json

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
OURS, ALONE, PEER = "burnish", "burnish alone", "generate"
ENGINES = (OURS, ALONE, PEER)
Grow: TypeAlias = Callable[[], Sequence[Tree]]
"""Searches its trees from the root."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is searched.

    Attributes:
        model: policy, and backbone of the value model.
        num_trees: of as many arithmetic problems.
        iterations: of MCTS*, each with b = 3 proposals and a rollout of 2 steps.
        dtype: of both sides.
        max_new_tokens: of a solution.
    """

    model: str
    num_trees: int = 64
    iterations: int = 6
    dtype: str = "float32"
    max_new_tokens: int = 96


WORKLOADS = {
    "tiny": Workload("builtin:arithmetic"),
    "gemma": Workload("gemma3-270m", iterations=2, dtype="bfloat16"),
    "smallest": Workload("builtin:arithmetic", num_trees=3, iterations=2, max_new_tokens=40),
}
DEFAULT = ("tiny",)


@dataclass(frozen=True, slots=True)
class Setting:
    """Models and settings that all sides share."""

    bench: Workbench
    policy: Policy
    value_model: ProcessRewardModel
    backbone: ModelConfig
    workload: Workload

    @property
    def mcts(self) -> MctsConfig:
        """The published constants; no gate ends a search, so that all do the same work."""
        return MctsConfig(iteration_limit=self.workload.iterations, end_gate=2.0)

    @property
    def search(self) -> TreeSearchConfig:
        """A step is a sentence."""
        return TreeSearchConfig(
            steps=SentenceSteps(), max_step_tokens=64, at_once=self.workload.num_trees
        )

    def searcher(self, at_once: int) -> TreeSearcher:
        """Ours, with new engines."""
        config = self.search.model_copy(update={"at_once": at_once})
        return TreeSearcher(
            self.bench, self.policy, self.value_model, config, clock=time.monotonic
        )


def setting_of(workload: Workload, value: Path | None) -> Setting:
    """Load the models. `value`: a trained value model of the workload's model."""
    bench = Workbench(
        model=ModelConfig(name=workload.model),
        task=ArithmeticTask(test_size=workload.num_trees),
        grader=default_grader_config("numeric").build(),
        lengths=LengthConfig(max_new_tokens=workload.max_new_tokens),
        compute=ComputeConfig(dtype=workload.dtype, max_concurrent=4 * workload.num_trees),
        seed=1,
    )
    if value is not None:
        value_model = bench.load_process_reward(value)
    else:
        value_model = bench.start_process_reward(None, head="hidden")
        torch.manual_seed(1)
        with torch.no_grad():
            value_model.network.get_submodule("value_head").get_parameter("weight").normal_(std=0.1)
    backbone = ModelConfig(name=workload.model if value is None else str(value))
    return Setting(bench, bench.load_policy(), value_model, backbone, workload)


def ours(setting: Setting, at_once: int, num_trees: int) -> Grow:
    """Our engine and value model; new for each call, so that nothing is known from the last."""

    def grow() -> Sequence[Tree]:
        searcher = setting.searcher(at_once)
        trees = searcher.plant(setting.bench.problems("test")[:num_trees])
        return _grown(searcher.grow(trees, setting.mcts, Budget()), trees)

    return grow


def tree_by_tree(setting: Setting, num_trees: int) -> Grow:
    """The peer."""
    dtype = DTYPES[setting.workload.dtype]
    searcher = setting.searcher(1)
    planted = searcher.plant(setting.bench.problems("test")[:num_trees])
    prompts = {tree.tree_id: searcher.prompt_ids(tree) for tree in planted}
    policy = load(ModelConfig(name=setting.workload.model))
    search, lengths = setting.search, setting.bench.lengths
    proposer = StepProposer(
        GenerateEngine(copy_in(policy.network, dtype), policy.tokenizer),
        policy.tokenizer,
        steps=search.steps,
        limits=StepLimits(lengths.max_new_tokens, search.max_step_tokens, search.temperature),
        prompts=prompts,
    )
    backbone = load(setting.backbone).network
    valuer = OneByOneValuer(setting.value_model, backbone, dtype=dtype, prompts=prompts)

    def grow() -> Sequence[Tree]:
        trees = [Tree(tree.tree_id, tree.question, tree.seed) for tree in planted]
        scheduler = Scheduler(Models(proposer, valuer), at_once=1, clock=time.monotonic)
        return _grown(scheduler.run(Search(tree, setting.mcts) for tree in trees), trees)

    return grow


def _grown(searches: Iterable[Search], trees: Sequence[Tree]) -> Sequence[Tree]:
    for _ in searches:
        pass
    return trees


def measure(workload: Workload, arguments: argparse.Namespace, name: str) -> list[Row]:
    """Rows of nodes per second and of what the trees hold, by engine."""
    setting = setting_of(workload, arguments.value)
    num_peer = min(arguments.peer_trees or workload.num_trees, workload.num_trees)
    sides: dict[str, Grow] = {
        OURS: ours(setting, workload.num_trees, workload.num_trees),
        ALONE: ours(setting, 1, num_peer),
        PEER: tree_by_tree(setting, num_peer),
    }
    sides = {side: grow for side, grow in sides.items() if side in arguments.engines}
    rates, trees = alternate(sides, arguments.rounds, CLOCKS[arguments.clock])
    rows: list[Row] = []
    for side in sides:
        about = described(setting, trees[side], trees[next(iter(sides))])
        about |= {"rounds": [round(rate, 2) for rate in rates[side]]}
        about |= {"value_model": str(arguments.value or "untrained")}
        row = partial(Row, name, side, dtype=workload.dtype)
        rows.append(row(max(rates[side]), "nodes/s", details=about))
        rows.append(row(correct_per_1000(setting, trees[side]), "correct/1k tokens"))
    return rows


def alternate(
    sides: Mapping[str, Grow], num_rounds: int, clock: Callable[[], float]
) -> tuple[dict[str, list[float]], dict[str, Sequence[Tree]]]:
    """Nodes per second of each round and side, roots not counted, and the last round's trees."""
    rates: dict[str, list[float]] = {side: [] for side in sides}
    trees: dict[str, Sequence[Tree]] = {}
    for _ in range(num_rounds):
        for side, grow in sides.items():
            settle()
            start = clock()
            trees[side] = grow()
            settle()
            num_nodes = sum(len(tree) - 1 for tree in trees[side])
            rates[side].append(num_nodes / (clock() - start))
    return rates, trees


def described(setting: Setting, trees: Sequence[Tree], first: Sequence[Tree]) -> dict[str, Json]:
    """What was grown, and how many trees are those of the first side node for node."""
    pairs = zip(trees, first, strict=False)
    return {
        "trees": len(trees),
        "same_trees": sum(words_of(tree) == words_of(other) for tree, other in pairs),
        "iterations": setting.workload.iterations,
        "nodes": sum(len(tree) - 1 for tree in trees),
        "values": sum(len(tree.known_values) for tree in trees),
        "sampled_tokens": sum(tree.spent.proposal_tokens for tree in trees),
        "value_tokens": sum(tree.spent.value_tokens for tree in trees),
    }


def words_of(tree: Tree) -> list[tuple[int, str]]:
    """Every node: its parent and its step."""
    return [(p, step.text) for p, step in zip(tree.parents, tree.steps, strict=True)]


def correct_per_1000(setting: Setting, trees: Sequence[Tree]) -> float:
    """Problems whose chosen solution is right, by 1,000 tokens that the policy sampled."""
    problems = {problem.id: problem for problem in setting.bench.problems("test")}
    verified = verify_trees(
        problems,
        trees,
        setting.mcts,
        grader=setting.bench.grader,
        prompt_of=lambda _: (0,),
        max_failure_share=0.1,
    )
    num_right = sum(tree.is_correct(tree.best) for tree in verified)
    return 1000 * num_right / max(1, sum(tree.spent.proposal_tokens for tree in trees))


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(description="MCTS*, in nodes per second.")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(DEFAULT))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=[OURS, PEER])
    parser.add_argument("--trees", type=int, default=None, help="problems searched by ours")
    parser.add_argument("--peer-trees", type=int, default=None, help="of them, by the peer")
    parser.add_argument("--iterations", type=int, default=None, help="of MCTS*")
    parser.add_argument("--value", type=Path, default=None, help="folder of a value model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    add_options(parser, "search")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    given = {"num_trees": arguments.trees, "iterations": arguments.iterations}
    changes = {name: value for name, value in given.items() if value is not None}
    rows: list[Row] = []
    for name in arguments.workload:
        rows += measure(replace(WORKLOADS[name], **changes), arguments, name)
    publish(rows, arguments)


if __name__ == "__main__":
    main()
