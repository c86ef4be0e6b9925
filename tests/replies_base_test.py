"""What the built-in model of replies was taught, and that it has learnt it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from types import ModuleType

import pytest

from burnish.data.feedback.reply_value import ATTRIBUTES, reply_attributes
from burnish.data.feedback.reply_writing import AVERAGE, Scene, different_replies, model_reply
from burnish.data.tasks.replies import RepliesTask, scene_of
from burnish.graders.config import default_grader_config
from burnish.methods.constitutional.constitution import load_constitution
from burnish.methods.constitutional.dialogue import DialogueConfig
from burnish.methods.constitutional.feedback_model import FeedbackModelConfig
from burnish.methods.constitutional.revise import ReviseConfig, reviser_of
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.training.judging.labels import AnswerPair
from burnish.training.judging.score_judge import ModelAnswerJudgeConfig
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

FOLDER = Path(__file__).parent.parent / "recipes" / "replies_base"
TASK = RepliesTask(train_size=60, dev_size=4, test_size=60)
CONSTITUTION = load_constitution("builtin:replies")


@pytest.fixture(scope="module")
def dialogues() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FOLDER))
    try:
        import dialogues  # pyright: ignore[reportMissingImports]

        yield dialogues
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def bench() -> Workbench:
    return Workbench(
        model=ModelConfig(name="builtin:replies"),
        task=TASK,
        grader=default_grader_config("open").build(),
        lengths=LengthConfig(max_prompt_tokens=200, max_new_tokens=64),
        compute=ComputeConfig(device="cpu", dtype="float32"),
        seed=1,
    )


def replies(dialogues: ModuleType) -> Iterator[tuple[Scene, str]]:
    source = random.Random(1)
    for problem in TASK.problems("train"):
        yield scene_of(problem), dialogues.any_reply(scene_of(problem), source)


@pytest.mark.parametrize("attribute", ["honest", "kind"])
def test_reply_whose_faults_are_mended_cannot_be_better_by_that_attribute(dialogues, attribute):
    for scene, reply in replies(dialogues):
        found = dialogues.faults(attribute, scene, reply)
        better = dialogues.revision(attribute, scene, reply, found)
        before, after = reply_attributes(scene, reply), reply_attributes(scene, better)
        if after["helpful"]:  # a reply that answers nothing is worth nothing
            assert after[attribute] == 4.0
        assert (better == reply) == (not found)
        assert after["helpful"] == before["helpful"]


def test_mending_what_is_missing_and_what_is_too_much_leaves_what_is_asked_for(dialogues):
    for scene, reply in replies(dialogues):
        for attribute in ("helpful", "brief"):
            found = dialogues.faults(attribute, scene, reply)
            better = dialogues.revision(attribute, scene, reply, found)
            assert dialogues.faults(attribute, scene, better) == []
            assert (
                reply_attributes(scene, better)["helpful"]
                >= (reply_attributes(scene, reply)["helpful"])
            )


def test_model_reply_has_no_fault(dialogues):
    for problem in TASK.problems("train"):
        scene = scene_of(problem)
        for attribute in ATTRIBUTES:
            assert dialogues.faults(attribute, scene, model_reply(scene)) == []


def test_critiques_are_taught_in_the_words_in_which_they_are_asked_for(dialogues):
    problem = TASK.problems("train")[0]
    tokenizer = load(ModelConfig(name="builtin:replies")).tokenizer
    dialogue = DialogueConfig(exemplars=None).build(tokenizer)
    text = dialogues.critique_and_revision(
        problem.question, scene_of(problem), CONSTITUTION, random.Random(2)
    )
    reply = text.partition("\nReply: ")[2].partition("\n\n")[0]
    critique, _, revised = text.partition("\nCritique: ")[2].partition("\n\nRevision request: ")
    (principle,) = (p for p in CONSTITUTION.principles if revised.startswith(p.revision_request))
    asked = tokenizer.decode([*dialogue.critique_ids(problem, reply, principle)])
    assert text.startswith(f"{asked} {critique}")
    asked = tokenizer.decode([*dialogue.revision_ids(problem, reply, principle, critique)])
    assert text.startswith(f"{asked} ")


def test_lessons_and_held_out_problems_are_disjoint():
    taught = {p.question for p in RepliesTask(train_size=2000, seed=7).problems("train")}
    assert not taught & {p.question for p in RepliesTask(test_size=500).problems("test")}


def test_model_judges_pairs_better_than_chance_and_not_perfectly(bench):
    source = random.Random(3)
    pairs = [
        AnswerPair(p, *different_replies(scene_of(p), [AVERAGE, AVERAGE], source))
        for p in TASK.problems("test")
    ]
    judge = FeedbackModelConfig().build(bench, CONSTITUTION)
    hits = []
    for pair, label in zip(pairs, judge.label(pairs, seed=1), strict=True):
        first, second = (
            TASK.gold(pair.problem, text)["reward"] for text in (pair.first, pair.second)
        )
        if first != second and label.probability is not None:
            hits.append((label.probability > 0.5) == (first > second))
    assert 0.55 < fmean(hits) < 0.98


def test_model_scores_better_replies_higher(bench):
    source = random.Random(4)
    problems = TASK.problems("test")
    judge = ModelAnswerJudgeConfig().build(bench)
    texts = [different_replies(scene_of(p), [AVERAGE, AVERAGE], source) for p in problems]
    flat = [(p, text) for p, both in zip(problems, texts, strict=True) for text in both]
    scores = [found.score for found in judge.score(flat, seed=1)]
    hits = []
    for place, (problem, both) in enumerate(zip(problems, texts, strict=True)):
        gold = [TASK.gold(problem, text)["reward"] for text in both]
        first, second = scores[2 * place : 2 * place + 2]
        if gold[0] != gold[1] and first is not None and second is not None:
            hits.append((first > second) == (gold[0] > gold[1]))
    assert fmean(hits) > 0.55


def test_model_answers_so_so_and_revisions_are_friendlier(bench):
    config = ReviseConfig.model_validate({"dialogue": {"exemplars": None}})
    reviser = reviser_of(bench, bench.load_policy(), config, CONSTITUTION)
    problems = TASK.problems("test")
    found = reviser.answer(problems, num_samples=1, seed=5)
    for number in range(3):
        found = reviser.revise(problems, found, seed=number)
    gold = [[t.gold_after(n) or {} for t in found] for n in (0, 3)]
    before, after = (fmean(values["kind"] for values in of_round) for of_round in gold)
    assert 0.3 < fmean(values["reward"] for values in gold[0]) < 0.8
    assert after > before + 0.1
