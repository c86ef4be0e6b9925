from __future__ import annotations

from collections.abc import Sequence

import pytest

from burnish.methods.constitutional.feedback_model import FeedbackModel, FeedbackModelConfig
from burnish.training.judging.labels import AnswerPair
from burnish.training.judging.options import NO_TOKENS, Choice, Written
from burnish.training.judging.pair_judge import ModelPairJudge, ReasonsConfig
from burnish.types import Problem


class Sure:
    """A model that is sure of whatever stands first; it keeps what it was asked."""

    name = "sure"

    def __init__(self, first: float = 0.9) -> None:
        self.asked: list[str] = []
        self._first = first

    def choose(self, prompts: Sequence[str], options: Sequence[str]) -> list[Choice]:
        self.asked += prompts
        good_first = ["Reply 1: good" in prompt for prompt in prompts]
        p = self._first
        return [Choice((p, 1 - p) if good else (1 - p, p), NO_TOKENS) for good in good_first]

    def write(self, prompts, *, max_tokens, temperature, seeds) -> list[Written]:
        return [Written("Because.", NO_TOKENS) for _ in prompts]


def pairs(num: int) -> list[AnswerPair]:
    return [AnswerPair(Problem(f"p{n}", f"Q{n}?", None), "good", "bad") for n in range(num)]


def labelled(constitution, model, num: int = 1, seed: int = 1, **settings):
    config = FeedbackModelConfig.model_validate(settings)
    judge = ModelPairJudge(config.judge_config(), model)
    built = FeedbackModel("sure", judge, constitution, config.principles_per_pair)
    return built.label(pairs(num), seed=seed)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 0.9),
        ({"reasons": {}}, 0.6),
        ({"reasons": {}, "clamp": [0.2, 0.8]}, 0.8),
        ({"reasons": {}, "clamp": [0.0, 1.0]}, 0.9),
        ({"clamp": [0.3, 0.7]}, 0.7),
    ],
)
def test_labels_are_clamped_to_four_and_six_tenths_where_reasons_are_given(
    constitution, settings, expected
):
    (label,) = labelled(constitution, Sure(), **settings)
    assert label.probability == pytest.approx(expected)


def test_clamp_holds_on_both_sides(constitution):
    (label,) = labelled(constitution, Sure(0.1), reasons=ReasonsConfig().model_dump())
    assert label.probability == pytest.approx(0.4)


def test_each_pair_is_judged_by_principles_of_its_own(constitution):
    model = Sure()
    labels = labelled(constitution, model, num=12, principles_per_pair=2)
    drawn = [tuple(dict.fromkeys(r.principle for r in label.readings)) for label in labels]
    comparisons = [principle.comparison for principle in constitution.principles]
    assert all(len(own) == 2 for own in drawn)
    assert all(comparisons.index(a) < comparisons.index(b) for a, b in drawn)
    assert len(set(drawn)) > 3
    assert len(model.asked) == 12 * 2 * 2


def test_principles_are_a_function_of_the_seed(constitution):
    first = labelled(constitution, Sure(), num=9, principles_per_pair=1)
    again = labelled(constitution, Sure(), num=9, principles_per_pair=1)
    other = labelled(constitution, Sure(), num=9, principles_per_pair=1, seed=2)
    assert first == again
    assert first != other


def test_more_principles_than_there_are_means_all(constitution):
    (label,) = labelled(constitution, Sure(), principles_per_pair=50)
    asked = [r.principle for r in label.readings if not r.is_swapped]
    assert asked == [principle.comparison for principle in constitution.principles]


def test_prompt_that_does_not_name_the_principle_is_an_error():
    with pytest.raises(ValueError, match=r"prompt\.preamble: has no \{principle\}"):
        FeedbackModelConfig.model_validate({"prompt": {"preamble": "Which is better?"}})


def test_clamp_that_goes_down_is_an_error():
    with pytest.raises(ValueError, match="clamp"):
        FeedbackModelConfig.model_validate({"clamp": [0.6, 0.4]})
