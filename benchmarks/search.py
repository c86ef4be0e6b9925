"""Nodes per second of MCTS*: ours, many trees at once, and the same search tree by tree.

    python benchmarks/search.py [--workload NAME ...] [--engines NAME ...] [--trees N]
        [--peer-trees N] [--value FOLDER] [--threads N] [--rounds N] [--clock cpu] [--json FILE]
        [--append]

The peer is the way of published code: one tree, one `generate` of transformers a proposal, one
forward pass a value (`search_peer.py`). Settings, seeds and draws are the same, so in float32 both
grow the same trees; the row of the peer says how many of its trees are ours node for node. The
sides take turns, round by round, and each keeps its best round. The peer searches the first few of
the trees only (`--peer-trees`): one after the other, it needs as long for more of them.

    burnish             64 trees at once
    burnish uncached    the same, but every path is read again each time
    burnish alone       one tree at a time, with the memory of paths
    generate            the peer

Without `--value` the value model is untrained (random head): speed does not depend on what it says,
but which solution is chosen does. Then `correct/1k tokens` compares the two sides alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

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
from burnish.rollout.engine import Engine
from burnish.rollout.local import LocalEngine
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
from burnish.types import Json, Problem

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PREFIX_CACHE_MB = ComputeConfig().prefix_cache_mb
OURS, UNCACHED, ALONE, PEER = "burnish", "burnish uncached", "burnish alone", "generate"
ENGINES = (OURS, UNCACHED, ALONE, PEER)


@dataclass(frozen=True, slots=True)
class Grown:
    """Trees that were searched from the root, and what our engine read and sampled for them."""

    trees: Sequence[Tree]
    counts: Json = None


Grow: TypeAlias = Callable[[], Grown]
Side: TypeAlias = Callable[[], Grow]
"""Makes ready what is not measured: engines that know nothing yet."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is searched.

    Attributes:
        model: policy, and backbone of the value model.
        num_trees: of as many arithmetic problems.
        num_peer_trees: the first of them, which the peer searches.
        iterations: of MCTS*, each with b = 3 proposals and a rollout of 2 steps.
        dtype: of both sides.
        max_new_tokens: of a solution.
    """

    model: str
    num_trees: int = 64
    num_peer_trees: int = 16
    iterations: int = 6
    dtype: Literal["float32", "bfloat16"] = "float32"
    max_new_tokens: int = 96


WORKLOADS = {
    "tiny": Workload("builtin:arithmetic"),
    "gemma": Workload("gemma3-270m", num_peer_trees=2, iterations=2, dtype="bfloat16"),
    "smallest": Workload("builtin:arithmetic", num_trees=3, iterations=2, max_new_tokens=40),
}
DEFAULT = ("tiny",)


@dataclass(frozen=True)
class CountedBench(Workbench):
    """Keeps the engine it made last, for its counts."""

    engines: list[LocalEngine] = field(default_factory=list)

    def engine(self, policy: Policy) -> Engine:
        """As a workbench."""
        made = super().engine(policy)
        assert isinstance(made, LocalEngine)
        self.engines[:] = [made]
        return made


@dataclass(frozen=True, slots=True)
class Setting:
    """Models and settings that all sides share."""

    bench: CountedBench
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
        return TreeSearchConfig(steps=SentenceSteps(), max_step_tokens=64)

    def problems(self, num_trees: int) -> list[Problem]:
        """The first test problems."""
        return self.bench.problems("test")[:num_trees]

    def searcher(self, at_once: int, prefix_cache_mb: int = PREFIX_CACHE_MB) -> TreeSearcher:
        """Ours, with new engines."""
        memory = {"prefix_cache_mb": prefix_cache_mb}
        compute = self.bench.compute.model_copy(update=memory)
        return TreeSearcher(
            replace(self.bench, compute=compute),
            self.policy,
            self.value_model,
            self.search.model_copy(update={"at_once": at_once}),
            clock=time.monotonic,
        )


def setting_of(workload: Workload, value: Path | None) -> Setting:
    """Load the models. `value`: a trained value model of the workload's model."""
    bench = CountedBench(
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


def ours(
    setting: Setting, at_once: int, num_trees: int, *, prefix_cache_mb: int = PREFIX_CACHE_MB
) -> Grow:
    """Our engine and value model."""
    searcher = setting.searcher(at_once, prefix_cache_mb)
    engine = setting.bench.engines[-1]
    trees = searcher.plant(setting.problems(num_trees))

    def grow() -> Grown:
        _exhaust(searcher.grow(trees, setting.mcts, Budget()))
        return Grown(trees, dict(asdict(engine.stats)))

    return grow


def tree_by_tree(setting: Setting, num_trees: int) -> Grow:
    """The peer."""
    dtype = DTYPES[setting.workload.dtype]
    searcher = setting.searcher(1)
    trees = searcher.plant(setting.problems(num_trees))
    prompts = {tree.tree_id: searcher.prompt_ids(tree) for tree in trees}
    policy = load(ModelConfig(name=setting.workload.model))
    search, lengths = setting.search, setting.bench.lengths
    engine = GenerateEngine(copy_in(policy.network, dtype), policy.tokenizer)
    proposer = StepProposer(
        engine,
        policy.tokenizer,
        steps=search.steps,
        limits=StepLimits(lengths.max_new_tokens, search.max_step_tokens, search.temperature),
        prompts=prompts,
    )
    backbone = load(setting.backbone).network
    valuer = OneByOneValuer(setting.value_model, backbone, dtype=dtype, prompts=prompts)

    def grow() -> Grown:
        scheduler = Scheduler(Models(proposer, valuer), at_once=1, clock=time.monotonic)
        _exhaust(scheduler.run(Search(tree, setting.mcts) for tree in trees))
        counts = {"prefill_tokens": engine.read_tokens, "sampled_tokens": engine.sampled_tokens}
        return Grown(trees, dict(counts))

    return grow


def _exhaust(searches: Iterable[Search]) -> None:
    for _ in searches:
        pass


def measure(workload: Workload, arguments: argparse.Namespace, name: str) -> list[Row]:
    """Rows of nodes per second and of what the trees hold, by engine."""
    setting = setting_of(workload, arguments.value)
    every = workload.num_trees
    some = min(workload.num_peer_trees, every)
    sides: dict[str, Side] = {
        OURS: partial(ours, setting, every, every),
        UNCACHED: partial(ours, setting, every, every, prefix_cache_mb=0),
        ALONE: partial(ours, setting, 1, some),
        PEER: partial(tree_by_tree, setting, some),
    }
    sides = {side: sides[side] for side in arguments.engines}
    rates, grown = alternate(sides, arguments.rounds, CLOCKS[arguments.clock])
    rows: list[Row] = []
    for side in sides:
        about = described(setting, grown[side], grown[arguments.engines[0]].trees)
        about |= {"rounds": [round(rate, 2) for rate in rates[side]]}
        about |= {"value_model": str(arguments.value or "untrained")}
        row = partial(Row, name, side, dtype=workload.dtype)
        rows.append(row(max(rates[side]), "nodes/s", details=about))
        rows.append(row(correct_per_1000(setting, grown[side].trees), "correct/1k tokens"))
    return rows


def alternate(
    sides: Mapping[str, Side], num_rounds: int, clock: Callable[[], float]
) -> tuple[dict[str, list[float]], dict[str, Grown]]:
    """Nodes per second of each round and side, roots not counted, and what the last round grew."""
    rates: dict[str, list[float]] = {side: [] for side in sides}
    grown: dict[str, Grown] = {}
    for _ in range(num_rounds):
        for side, made_ready in sides.items():
            grow = made_ready()
            settle()
            start = clock()
            grown[side] = grow()
            settle()
            num_nodes = sum(len(tree) - 1 for tree in grown[side].trees)
            rates[side].append(num_nodes / (clock() - start))
    return rates, grown


def described(setting: Setting, grown: Grown, first: Sequence[Tree]) -> dict[str, Json]:
    """What was grown, and how many trees are those of the first side node for node."""
    trees = grown.trees
    pairs = zip(trees, first, strict=False)
    return {
        "trees": len(trees),
        "same_trees": sum(words_of(tree) == words_of(other) for tree, other in pairs),
        "iterations": setting.workload.iterations,
        "nodes": sum(len(tree) - 1 for tree in trees),
        "values": sum(len(tree.known_values) for tree in trees),
        "sampled_tokens": sum(tree.spent.proposal_tokens for tree in trees),
        "value_tokens": sum(tree.spent.value_tokens for tree in trees),
        "counts": grown.counts,
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
    given = {
        "num_trees": arguments.trees,
        "num_peer_trees": arguments.peer_trees,
        "iterations": arguments.iterations,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    rows: list[Row] = []
    for name in arguments.workload:
        rows += measure(replace(WORKLOADS[name], **changes), arguments, name)
    publish(rows, arguments)


if __name__ == "__main__":
    main()
