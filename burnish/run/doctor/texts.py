"""The checks of rows, tokens and grader: what needs no update of weights."""

from __future__ import annotations

from burnish.data.feedback.kinds import true_reward
from burnish.data.rendering import Renderer
from burnish.data.tasks.task import Task
from burnish.graders.grader import Grader
from burnish.run.doctor import grading
from burnish.run.doctor.check import Check, skipped
from burnish.run.doctor.limits import check_answers, check_context, check_prompts
from burnish.run.doctor.overlap import check_overlap
from burnish.run.doctor.patient import Effort, Patient, answered, by_split, spread
from burnish.run.doctor.special_tokens import (
    TURN_END,
    check_beginning,
    check_end_is_learnt,
    check_padding,
    check_turn_end,
)
from burnish.run.doctor.template import check_round_trip, check_template
from burnish.run.recipe import Recipe
from burnish.training.workbench import Workbench
from burnish.types import Problem

_NO_LIMIT = 1_000_000_000
_ASKS_A_MODEL = frozenset(
    ("score_model", "label_model", "endpoint", "multi", "calibrated", "reward_model")
)
"""Graders that may ask a server or load a model."""


def template_checks(patient: Patient) -> list[Check]:
    """Template, mask and special tokens."""
    tokenizer, renderer = patient.policy.tokenizer, patient.renderer
    targets = [patient.bench.task.target(problem) for problem in patient.answered]
    prompts = [renderer.prompt_ids(problem) for problem in patient.asked]
    ends = (
        check_turn_end(tokenizer, patient.stop_ids)
        if any(problem.messages for problem in patient.asked)
        else skipped(TURN_END, "the rows are no conversations")
    )
    return [
        check_template(renderer, patient.answered, tokenizer),
        check_round_trip(tokenizer, targets),
        check_padding(tokenizer),
        check_end_is_learnt(patient.examples, tokenizer),
        check_beginning(prompts, tokenizer),
        ends,
    ]


def limit_checks(patient: Patient) -> list[Check]:
    """Prompts, answers and the model's context."""
    bench, most = patient.bench, patient.effort.lengths
    renderer = Renderer(bench.task, patient.policy.tokenizer, max_prompt_tokens=_NO_LIMIT)
    rows = {split: spread(problems, most) for split, problems in by_split(bench).items()}
    lengths = {
        split: [len(renderer.prompt_ids(problem)) for problem in problems]
        for split, problems in rows.items()
    }
    answers = [
        sum(renderer.example(problem).is_action)
        for problem in answered(bench.problems("train"), most)
    ]
    limits, longest = bench.lengths, max(n for sizes in lengths.values() for n in sizes)
    return [
        check_prompts(lengths, limit=limits.max_prompt_tokens),
        check_context(
            min(longest, limits.max_prompt_tokens),
            max_new_tokens=limits.max_new_tokens,
            context=patient.policy.max_context,
        ),
        check_answers(answers, limit=limits.max_new_tokens),
    ]


def overlap_checks(bench: Workbench) -> list[Check]:
    """Train, dev and test."""
    return [check_overlap(by_split(bench))]


def grader_checks(recipe: Recipe, bench: Workbench, effort: Effort) -> list[Check]:
    """What is paid, and that faults are not."""
    if _knows_no_reward(recipe, bench):
        why = "nobody knows what an answer to this task is worth; a trained model will say"
        return [skipped(name, why) for name in _GRADER_CHECKS]
    problems = bench.problems("train")
    references = answered(problems, effort.rows)
    return checks_of_grader(bench.grader, bench.task, spread(problems, effort.rows), references)


def quick_grader_checks(recipe: Recipe, bench: Workbench, effort: Effort) -> list[Check]:
    """The same, but for graders that would take long, or cost money."""
    if recipe.grader is not None and recipe.grader.type in _ASKS_A_MODEL:
        why = f"the grader {recipe.grader.type} may ask a model; `burnish doctor` does"
        return [skipped(name, why) for name in _GRADER_CHECKS]
    return grader_checks(recipe, bench, effort)


def checks_of_grader(
    grader: Grader, task: Task, problems: list[Problem], references: list[Problem]
) -> list[Check]:
    """Of one grader, on a task's own rows."""
    is_open = task.answer_kind == "open"
    written = [(problem, task.target(problem)) for problem in references]
    asked = [(problem, task.prompt(problem)) for problem in problems]
    return [
        grading.check_references(grader, written, is_open=is_open),
        grading.check_nothing_is_paid(grader, written, asked, is_open=is_open),
        grading.check_determinism(grader, written),
        grading.check_faults_are_told(grader, written),
    ]


_GRADER_CHECKS = (grading.REFERENCES, grading.NOTHING, grading.TWICE, grading.FAULTS)


def _knows_no_reward(recipe: Recipe, bench: Workbench) -> bool:
    """An open task without a grader pays by its own formula, if it has one."""
    if recipe.grader is not None or bench.task.answer_kind != "open":
        return False
    return true_reward(bench.task, bench.problems("train")[0], "") is None
