from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml

from burnish.data.rendering import Renderer
from burnish.data.tasks.replies import RepliesTask
from burnish.errors import ConfigError, ModelError
from burnish.graders.reward_model import RewardModelGraderConfig
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import load_reward_model, start_reward_model
from burnish.models.reward_values import RewardJudge
from burnish.models.tiny import tiny_model
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

TASK = RepliesTask(train_size=2, dev_size=2, test_size=2)
PROBLEM, OTHER = TASK.problems("train")
TEXTS = ("There are 3 cups.", "No.")


def answer(text: str, stop: StopReason = StopReason.EOS) -> Completion:
    """The tokens are another tokenizer's; they are not read."""
    return Completion((7,), (8, 9), (), (), text, stop)


def trained_in(run: Path, name: str = "01-reward_model", *, head: RewardHead | None = None) -> Path:
    """What a run leaves, as far as a grader looks at it."""
    torch.manual_seed(0)
    start = tiny_model("llama", max_positions=256)
    head = head or RewardHead("comparisons", ("reward",))
    folder = run / "stages" / name / "selected"
    start_reward_model(start, head, compute_dtype=torch.float32).save(folder)
    (run / "config.yaml").write_text(yaml.safe_dump({"task": {"type": "replies"}, "seed": 1}))
    return folder


def rewards_of(model: Path, **settings) -> list[float]:
    config = RewardModelGraderConfig(model=model, device="cpu", **settings)
    found = config.build().grade([(PROBLEM, answer(text)) for text in TEXTS])
    assert all(isinstance(score, Score) for score in found)
    return [score.reward for score in found if isinstance(score, Score)]


def test_an_answer_is_paid_what_the_model_says_of_its_text(tmp_path):
    folder = trained_in(tmp_path)
    model = load_reward_model(folder)
    reader = AnswerReader(Renderer(TASK, model.tokenizer, max_prompt_tokens=250), model)
    judge = RewardJudge(model, max_tokens=1000)
    expected = judge.rewards([reader(PROBLEM, text) for text in TEXTS])
    assert rewards_of(folder) == pytest.approx(expected)
    assert expected[0] != expected[1]


def test_the_folder_of_a_run_stands_for_its_one_model(tmp_path):
    folder = trained_in(tmp_path)
    assert rewards_of(tmp_path) == rewards_of(folder)
    trained_in(tmp_path, "02-reward_model_2")
    with pytest.raises(ConfigError, match="has trained 2 reward models; name"):
        rewards_of(tmp_path)


def test_it_is_asked_as_it_was_trained_and_not_as_the_policy_is(tmp_path):
    folder = trained_in(tmp_path)
    rows = {"type": "rows", "train": "x.jsonl"}
    of_run = rewards_of(folder)
    assert rewards_of(folder, task={"type": "replies"}) == of_run
    assert rewards_of(folder, task=rows) != of_run


def test_an_answer_that_was_cut_off_is_read_without_an_end(tmp_path):
    grader = RewardModelGraderConfig(model=trained_in(tmp_path), device="cpu").build()
    whole, cut = grader.grade(
        [(PROBLEM, answer(TEXTS[0])), (PROBLEM, answer(TEXTS[0], StopReason.LENGTH))]
    )
    assert isinstance(whole, Score)
    assert isinstance(cut, Score)
    assert whole.reward != cut.reward


def test_what_reaches_the_threshold_counts_as_correct_and_without_one_nothing_does(tmp_path):
    folder = trained_in(tmp_path)
    low, high = sorted(rewards_of(folder))
    config = RewardModelGraderConfig(model=folder, device="cpu", pass_threshold=(low + high) / 2)
    for settings, expected in (
        (config, [low, high]),
        (config.model_copy(update={"pass_threshold": None}), []),
    ):
        found = settings.build().grade([(PROBLEM, answer(text)) for text in TEXTS])
        right = [score for score in found if isinstance(score, Score) and score.is_correct]
        assert [score.reward for score in right] == expected[1:]


def test_attributes_are_weighted(tmp_path):
    head = RewardHead("attributes", ("true", "brief"), means=(1.0, 2.0), deviations=(1.0, 1.0))
    folder = trained_in(tmp_path, head=head)
    both, first = rewards_of(folder), rewards_of(folder, weights={"true": 1.0})
    second = rewards_of(folder, weights={"brief": 1.0})
    assert both == pytest.approx([a + b for a, b in zip(first, second, strict=True)])
    with pytest.raises(ConfigError, match=r"weights names 'kind', but .* true, brief"):
        rewards_of(folder, weights={"kind": 1.0})


def test_an_answer_that_is_too_long_leaves_the_batch_alone(tmp_path):
    grader = RewardModelGraderConfig(model=trained_in(tmp_path), device="cpu").build()
    long, short = grader.grade(
        [(PROBLEM, answer("There are 3 cups. " * 99)), (OTHER, answer(TEXTS[0]))]
    )
    assert isinstance(long, GraderFailure)
    assert "past the reward model's context of 256" in long.message
    assert isinstance(short, Score)


def test_a_folder_without_a_reward_model_is_an_error_that_says_what_to_name(tmp_path, model_folder):
    for folder in (tmp_path / "nowhere", model_folder):
        with pytest.raises(ModelError, match=r"no reward_model.json in it.*stages/01-reward_model"):
            RewardModelGraderConfig(model=folder, task=TASK).build()


def test_a_model_outside_a_run_needs_a_task(tmp_path):
    folder = trained_in(tmp_path / "run")
    (tmp_path / "run" / "config.yaml").unlink()
    with pytest.raises(ConfigError, match="lies in no run folder"):
        rewards_of(folder)
    assert len(rewards_of(folder, task=TASK)) == 2


def test_another_tokenizer_than_it_was_trained_with_is_an_error(tmp_path):
    folder = trained_in(tmp_path)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:-5]
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="tokenizer is not the one that it was trained with"):
        rewards_of(folder)


def test_no_answers_need_no_model_time(tmp_path):
    grader = RewardModelGraderConfig(model=trained_in(tmp_path), device="cpu").build()
    assert grader.grade([]) == []
    assert isinstance(PROBLEM, Problem)
