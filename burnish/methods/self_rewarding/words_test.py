from __future__ import annotations

from dataclasses import replace

import pytest

from burnish.errors import ConfigError
from burnish.methods.self_rewarding.words import PolicyJudge, PolicyJudgeConfig, score_in
from burnish.rollout.scripted import ScriptedEngine
from burnish.training.samples import GradedSample
from burnish.training.workbench import Workbench
from burnish.types import Problem, Score, StopReason

PROBLEM = Problem("p", "What is {answer}?", "4")
CONFIG = PolicyJudgeConfig(prompt="Q: {question}\nA: {answer}\nJudge.", num_judgements=4)


def candidate(text: str) -> GradedSample:
    return GradedSample("p", (1,), (2,), text, Score(0.0, False, None), StopReason.EOS)


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("It is good. Score: 4", 4.0),
        ("score : 3.5 points", 3.5),
        ("**Score:** 2", 2.0),
        ("Score: **5**", 5.0),
        ("By the rules a score: 5 is rare.\nScore: 1", 1.0),
        ("Score: 6", None),
        ("Score: 50", None),
        ("Score: none", None),
        ("4 points", None),
        ("", None),
    ],
)
def test_last_score_in_range_is_read(reply, score):
    assert score_in(reply, highest=5.0) == score


def test_highest_score_may_be_another():
    assert score_in("Score: 0.75", highest=1.0) == 0.75
    assert score_in("Score: 2", highest=1.0) is None


def test_prompt_without_a_place_for_the_answer_is_an_error():
    with pytest.raises(ValueError, match=r"prompt: has no \{answer\}"):
        PolicyJudgeConfig(prompt="Judge {question}.")


class ScriptedBench(Workbench):
    """Its policy says a score that depends on the answer and on the seed."""

    asked: list[str] = []  # noqa: RUF012 emptied by the fixture

    def engine(self, policy):
        def reply(prompt: str, seed: int) -> str:
            self.asked.append(prompt.removeprefix("<bos>"))
            if "nonsense" in prompt:
                return "I cannot say."
            return f"Score: {(2, 3, 9)[seed % 3]}"

        return ScriptedEngine(policy.tokenizer, reply)


@pytest.fixture
def bench(attempts_bench):
    ScriptedBench.asked = []
    return ScriptedBench(
        model=attempts_bench.model,
        task=attempts_bench.task,
        grader=attempts_bench.grader,
        lengths=attempts_bench.lengths,
        compute=attempts_bench.compute,
        seed=1,
    )


def judge_of(bench, config=CONFIG) -> PolicyJudge:
    return config.build(bench, bench.load_policy())


def test_question_and_answer_are_filled_in_once(bench):
    judge_of(bench).judge([PROBLEM], [candidate("{question} is 4")], seed=1)
    assert set(bench.asked) == {"Q: What is {answer}?\nA: {question} is 4\nJudge."}
    assert len(bench.asked) == 4


def test_scores_that_can_be_read_are_averaged_and_all_replies_cost(bench):
    judge = judge_of(bench, CONFIG.model_copy(update={"num_judgements": 40}))
    (found,) = judge.judge([PROBLEM], [candidate("4")], seed=1)
    assert found.score is not None
    assert 2.0 < found.score < 3.0
    assert found.num_tokens > 40 * 2


def test_answer_of_which_no_reply_gives_a_score_has_none(bench):
    good, bad = judge_of(bench).judge(
        [PROBLEM, PROBLEM], [candidate("4"), candidate("nonsense")], seed=1
    )
    assert good.score is not None
    assert bad.score is None
    assert bad.num_tokens > 0


def test_judging_is_a_function_of_the_seed(bench):
    many = CONFIG.model_copy(update={"num_judgements": 15})
    rows = ([PROBLEM] * 3, [candidate(text) for text in "abc"])
    first = judge_of(bench, many).judge(*rows, seed=1)
    assert judge_of(bench, many).judge(*rows, seed=1) == first
    assert judge_of(bench, many).judge(*rows, seed=2) != first


def test_trimmed_vocabulary_cannot_judge(bench):
    trimmed = replace(bench, model=bench.model.model_copy(update={"trim_vocabulary": True}))
    with pytest.raises(ConfigError, match="trim_vocabulary"):
        CONFIG.build(trimmed, bench.load_policy())
