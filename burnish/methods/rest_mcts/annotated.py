"""D_V0 from annotated solutions, the paper's recipe for science: each true prefix, and false steps.

The first k of the K steps of an annotated solution are worth v_k = k / K. After each of them a weak
model writes a next step; what differs from the annotation counts as wrong (r = 1), as in the paper,
which does not check it either. All of it stands in one tree a problem, whose values are inferred as
those of searched trees are, and come out as the paper's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.data.rendering import Renderer
from burnish.errors import DataError, ModelError
from burnish.models.policy import Policy
from burnish.models.process_reward_model import fingerprint
from burnish.rollout.step_proposer import StepLimits, StepProposer
from burnish.rollout.stopping import decode_after
from burnish.search.asks import End, ProposalRequest, Step
from burnish.search.budget import Spent
from burnish.search.steps import split_steps
from burnish.search.tree import ROOT, Tree
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.step_tokens import written_steps
from burnish.training.tree_data import AskedConfig, collect_trees
from burnish.training.tree_search import TreeSearchConfig
from burnish.training.workbench import Workbench
from burnish.types import Problem


class AnnotatedConfig(AskedConfig):
    """Annotated solutions with wrong steps."""

    type: Literal["annotated"] = "annotated"
    """annotated solutions, and steps of a weak model"""
    weak_model: Path | None = None
    """who writes the false steps; default: the recipe's own model, before any training"""
    num_wrong: int = Field(default=1, ge=1)
    """false steps that are asked for after each true prefix; equal ones count once"""
    temperature: float = Field(default=1.0, gt=0)
    """of the weak model"""


def annotated_trees(
    run: StageRun,
    *,
    bench: Workbench,
    config: AnnotatedConfig,
    steps: TreeSearchConfig,
    policy: str | None,
) -> Iterator[StepResult]:
    """A stage that trains nothing: a verified tree for each annotated problem.

    Args:
        policy: the earlier stage whose tokenizer the trees are in; None is the recipe's model.

    Raises DataError for a problem without an annotation, and ModelError where the weak model has
    another tokenizer.
    """
    own = bench.load_policy(run.artifacts[policy] if policy else None)
    weak = bench.load_policy(config.weak_model)
    require_same_tokens(weak, own)
    prompts: dict[str, tuple[int, ...]] = {}
    limits = StepLimits(bench.lengths.max_new_tokens, steps.max_step_tokens, config.temperature)
    proposer = StepProposer(
        bench.engine(weak), weak.tokenizer, steps=steps.steps, limits=limits, prompts=prompts
    )
    renderer = bench.renderer(own)

    def grow(problems: Sequence[Problem]) -> list[Tree]:
        prompts.update((problem.id, renderer.prompt_ids(problem)) for problem in problems)
        plant = partial(_annotated, bench=bench, policy=own, renderer=renderer, steps=steps)
        trees = [plant(problem) for problem in problems]
        _add_wrong_steps(trees, proposer, config)
        return trees

    yield from collect_trees(run, grow, config, bench=bench)


def require_same_tokens(weak: Policy, own: Policy) -> None:
    """Raise ModelError where tokens of the weak model mean something else to the policy."""
    if fingerprint(weak.tokenizer) != fingerprint(own.tokenizer):
        raise ModelError(
            "initial.weak_model: its tokenizer is not the policy's, so its steps cannot stand in "
            "the policy's trees. Use a weak model of the same family."
        )


def _annotated(
    problem: Problem,
    *,
    bench: Workbench,
    policy: Policy,
    renderer: Renderer,
    steps: TreeSearchConfig,
) -> Tree:
    """The tree of the annotation alone."""
    if problem.rationale is None:
        raise DataError(
            f"problem {problem.id!r} has no annotated solution, which `initial: {{type: "
            "annotated}` needs. Add it, or use `initial: {type: search}`."
        )
    texts = split_steps(bench.task.target(problem), steps.steps)
    written = written_steps(
        problem, texts, [None] * len(texts), renderer=renderer, tokenizer=policy.tokenizer
    )
    tree = Tree(problem.id, problem.question, derived_seed(bench.seed, "annotated"))
    node, before = ROOT, written.tokens.prompt_ids
    for ids in written.tokens.step_ids:
        tree.is_expanded[node] = 1
        node = tree.add(node, Step(decode_after(policy.tokenizer, before, ids), 0, ids))
        before += ids
    tree.mark(node, End.FINAL)
    tree.verify(node, is_correct=True)
    return tree


def _add_wrong_steps(
    trees: Sequence[Tree], proposer: StepProposer, config: AnnotatedConfig
) -> None:
    """After every true prefix, each step that differs from the annotated one."""
    places = [(tree, node) for tree in trees for node in range(len(tree)) if tree.children[node]]
    requests = [
        ProposalRequest(tree.prefix(node), _seeds(tree, node, config.num_wrong))
        for tree, node in places
    ]
    for (tree, node), found in zip(places, proposer.propose(requests), strict=True):
        true = tree.steps[tree.children[node][0]].text.strip()
        for (step,) in found:
            tree.spent += Spent(proposal_tokens=step.num_tokens, model_calls=1)
            if step.text.strip() == true or step.end == End.CUT:
                continue
            tree.verify(tree.add(node, step), is_correct=False)


def _seeds(tree: Tree, node: int, num: int) -> tuple[int, ...]:
    return tuple(derived_seed(tree.seed, tree.tree_id, node, n) for n in range(num))
