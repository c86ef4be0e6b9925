from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from burnish.data.rendering import Renderer
from burnish.data.tasks.replies import RepliesTask
from burnish.errors import DataError
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_model import HeadStart, start_reward_model
from burnish.models.reward_values import (
    EnsembleReward,
    RewardEnsemble,
    RewardJudge,
    Units,
    expected_grades,
    weighted_reward,
)
from burnish.models.tiny import tiny_model
from burnish.training.learner import Learner, OptimizerConfig
from burnish.training.reward_model import (
    FitConfig,
    answer_scores,
    fit_rewards,
    fit_step,
    row_batches,
    row_scores,
)
from burnish.training.reward_model_attributes import (
    Attributes,
    AttributesConfig,
    attributes_of,
)
from burnish.training.reward_model_comparisons import Comparisons, ComparisonsConfig
from burnish.training.reward_model_ratings import RatingsConfig
from burnish.training.stage import StageRun
from burnish.types import AttributeRating, Preference, Problem, Rating, StopReason

TASK = RepliesTask(train_size=4, dev_size=4, test_size=4)
ASKED, *_ = TASK.problems("train")
FAST = OptimizerConfig(learning_rate=3e-3, schedule="constant")
GOOD, BAD, LONG = "There are 3 cups.", "No.", "There are 3 cups. There are 12 apples."


def model_for(objective, *, head_start: HeadStart = "random", max_positions=256):
    torch.manual_seed(1)
    start = tiny_model("llama", max_positions=max_positions)
    return start_reward_model(
        start, objective.head(), compute_dtype=torch.float32, head_start=head_start
    )


def reader_of(model):
    return AnswerReader(Renderer(TASK, model.tokenizer, max_prompt_tokens=200), model)


def fitted(objective, feedback, *, steps=1, max_tokens=1000, head_start: HeadStart = "random"):
    """The metrics of each step, the model, and the rows."""
    model = model_for(objective, head_start=head_start)
    rows = objective.rows(feedback, reader_of(model))
    learner = Learner({"reward_model": model.network}, FAST)
    metrics = [
        fit_step(learner, model, objective, rows, num_steps=steps, max_tokens=max_tokens)
        for _ in range(steps)
    ]
    return metrics, model, rows


def loss_of(objective, feedback, scores):
    """Of given scores, one list per answer in the order of rows."""
    model = model_for(objective)
    rows = objective.rows(feedback, reader_of(model))
    return objective.losses(model, torch.tensor(scores), rows).tolist()


def softplus(x):
    return math.log1p(math.exp(x))


PAIRS = [
    Preference(ASKED, GOOD, BAD, strength=2.0, weight=3.0),
    Preference(ASKED, LONG, BAD, probability=0.5),
]


def test_an_answer_is_prompt_text_eos_and_a_token_that_nothing_reads():
    model = model_for(Comparisons(ComparisonsConfig()))
    read, eos = reader_of(model), model.eos_id
    renderer = Renderer(TASK, model.tokenizer, max_prompt_tokens=200)
    whole = renderer.imitation(ASKED, GOOD)
    assert read(ASKED, GOOD).token_ids == (*whole.token_ids, eos)
    assert read(ASKED, GOOD).is_action[-1]
    cut = read(ASKED, GOOD, StopReason.LENGTH)
    assert cut.token_ids == whole.token_ids
    assert cut.token_ids[-2] != eos


def test_an_answer_past_the_context_is_refused():
    model = model_for(Comparisons(ComparisonsConfig()), max_positions=40)
    with pytest.raises(DataError, match="past the reward model's context of 40"):
        reader_of(model)(ASKED, GOOD)


def test_comparisons_at_a_head_of_zeros_cost_log_two_and_are_then_learnt():
    objective = Comparisons(ComparisonsConfig())
    metrics, model, rows = fitted(objective, PAIRS[:1], steps=20, head_start="zero")
    assert metrics[0]["train/loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert metrics[-1]["train/loss"] < 0.2
    ((chosen, rejected),) = row_scores(model, rows, max_tokens=1000)
    assert chosen[0] > rejected[0] + 1


def test_weights_and_labels_of_comparisons_count():
    objective = Comparisons(ComparisonsConfig(margin_per_step=0.25, centring_coef=0.01))
    losses = loss_of(objective, PAIRS, [[1.5], [0.2], [0.4], [1.0]])
    assert losses[0] == pytest.approx(softplus(-(1.3 - 0.5)) + 0.01 * 1.7**2, rel=1e-5)
    tie = 0.5 * softplus(0.6) + 0.5 * softplus(-0.6) + 0.01 * 1.4**2
    assert losses[1] == pytest.approx(tie, rel=1e-5)


def test_the_loss_of_a_step_is_the_weighted_mean_of_its_rows():
    objective = Comparisons(ComparisonsConfig())
    model = model_for(objective)
    rows = objective.rows(PAIRS, reader_of(model))
    with torch.no_grad():
        first, second = objective.losses(model, answer_scores(model, rows), rows).tolist()
    metrics, _, _ = fitted(objective, PAIRS)
    assert metrics[0]["train/loss"] == pytest.approx((3 * first + second) / 4, rel=1e-5)


def test_ties_may_be_left_out_or_be_an_outcome_of_their_own():
    half, apart = [[1.5], [0.2], [0.4], [1.0]], ComparisonsConfig(ties="rao_kupper")
    assert len(loss_of(Comparisons(ComparisonsConfig(ties="left_out")), PAIRS, half[:2])) == 1
    won, tied = loss_of(Comparisons(apart), PAIRS, half)
    width = math.log(2)  # softplus(0)
    assert won == pytest.approx(softplus(-(1.3 - width)), rel=1e-5)
    chance = 1 / (1 + math.exp(-(width + 0.6))) - 1 / (1 + math.exp(width - 0.6))
    assert tied == pytest.approx(-math.log(chance), rel=1e-5)


def test_the_pairs_of_a_ranking_are_one_row_that_reads_each_answer_once():
    ranking = [
        Preference(ASKED, GOOD, BAD, ranking="r"),
        Preference(ASKED, GOOD, LONG, ranking="r"),
        Preference(ASKED, BAD, LONG, ranking="r"),
    ]
    objective = Comparisons(ComparisonsConfig())
    (row,) = objective.rows(ranking, reader_of(model_for(objective)))
    assert len(row.answers) == 3
    (loss,) = loss_of(objective, ranking, [[2.0], [1.0], [0.5]])
    expected = (softplus(-1.0) + softplus(-1.5) + softplus(-0.5)) / 3
    assert loss == pytest.approx(expected, rel=1e-5)


def test_a_label_against_the_chosen_answer_is_refused():
    objective = Comparisons(ComparisonsConfig())
    wrong = [Preference(ASKED, GOOD, BAD, probability=0.3)]
    with pytest.raises(DataError, match="Swap the two answers"):
        objective.rows(wrong, reader_of(model_for(objective)))


RATINGS = [
    Rating(ASKED, GOOD, 4, "ann"),
    Rating(ASKED, BAD, 2, "ann"),
    Rating(ASKED, LONG, 1, "bob"),
    Rating(ASKED, BAD, 0, "bob"),
]


def test_ordinal_ratings_are_learnt_with_their_raters_strictness():
    objective = RatingsConfig().objective(RATINGS, num_grades=5)
    assert objective.head().raters == ("ann", "bob")
    metrics, model, _ = fitted(objective, RATINGS, steps=25)
    assert metrics[-1]["train/loss"] < 0.7 * metrics[0]["train/loss"]
    ann, bob = model.scale.shift.tolist()
    assert bob > ann + 0.5
    low, high = expected_grades(model, [-6.0, 6.0])
    assert low < 1 < 3 < high


def test_thresholds_and_strictness_start_from_how_grades_are_used():
    head = RatingsConfig().objective(RATINGS, num_grades=4).head()
    shares = [1.5 / 5, 2.5 / 5, 3.5 / 5]  # of four ratings 0, 1, 2 and 4
    assert head.thresholds == pytest.approx([math.log(s / (1 - s)) for s in shares])
    bob = [(count + 4 * s) / 6 for count, s in zip((1, 2, 2), shares, strict=True)]
    odds = [b / (1 - b) * (1 - s) / s for b, s in zip(bob, shares, strict=True)]
    assert head.strictness[1] == pytest.approx(sum(map(math.log, odds)) / 3)


def test_grades_that_nobody_gives_leave_thresholds_apart():
    same = [Rating(ASKED, GOOD, 4, "cy"), Rating(ASKED, BAD, 4, "cy")]
    thresholds = RatingsConfig().objective(same, num_grades=5).head().thresholds
    assert all(high > low for low, high in pairwise(thresholds))


def test_the_average_raters_expected_grade_by_hand():
    objective = RatingsConfig(strictness="shared").objective(RATINGS, num_grades=3)
    assert objective.head().raters == ()
    model = model_for(objective)
    with torch.no_grad():
        model.scale.raw.copy_(torch.tensor([-1.0, math.log(math.e - 1)]))  # thresholds -1 and 0
    low, middle = 1 / (1 + math.exp(1.5)), 1 / (1 + math.exp(0.5))
    expected = (middle - low) + 2 * (1 - middle)
    assert expected_grades(model, [0.5]) == pytest.approx([expected], rel=1e-5)


def test_normalised_ratings_are_in_the_units_of_their_rater():
    objective = RatingsConfig(fit="normalised").objective(RATINGS, num_grades=5)
    losses = loss_of(objective, RATINGS, [[1.5], [0.0], [1.0], [0.0]])
    assert losses == pytest.approx([0.25, 1.0, 0.0, 1.0])
    head = objective.head()
    assert head.thresholds == ()
    assert head.means == (1.75,)


def test_a_rater_who_always_says_the_same_says_nothing():
    same = [Rating(ASKED, GOOD, 4, "cy"), Rating(ASKED, BAD, 4, "cy")]
    objective = RatingsConfig(fit="normalised").objective(same, num_grades=5)
    assert loss_of(objective, same, [[0.5], [0.0]]) == [0.25, 0.0]


DESCRIBED = [
    AttributeRating(ASKED, GOOD, {"true": 4.0, "short": 3.0}),
    AttributeRating(ASKED, BAD, {"true": 0.0, "short": None}),
]


def test_attributes_are_learnt_where_they_are_known():
    objective = attributes_of(DESCRIBED)
    assert objective == Attributes(("true", "short"), (2.0, 3.0), (2.0, 1.0))
    losses = loss_of(objective, DESCRIBED, [[0.5, 0.5], [-1.0, 9.0]])
    assert losses == pytest.approx([0.25 + 0.25, 0.0])
    rows = objective.rows(DESCRIBED, reader_of(model_for(objective)))
    assert [row.size for row in rows] == [2, 1]
    metrics, _, _ = fitted(objective, DESCRIBED, steps=15)
    assert metrics[-1]["train/loss"] < 0.3 * metrics[0]["train/loss"]


def test_an_answer_of_which_nothing_is_known_is_no_row():
    objective = attributes_of(DESCRIBED)
    nothing = [AttributeRating(ASKED, GOOD, {"true": None, "other": 2.0})]
    assert objective.rows(nothing, reader_of(model_for(objective))) == []
    with pytest.raises(DataError, match="not one attribute has a value"):
        attributes_of([AttributeRating(ASKED, GOOD, {"true": None})])


def test_the_reward_is_a_sum_of_attributes_by_the_users_weights():
    values, names = [2.0, 3.0], ("true", "short")
    assert weighted_reward(values, names, {"true": 0.5, "short": -1.0}) == -2.0
    assert weighted_reward(values, names, {"short": 2.0}) == 6.0
    assert weighted_reward(values, names, None) == 5.0
    with pytest.raises(Exception, match="weights names 'kind', but the attributes"):
        AttributesConfig(weights={"kind": 1.0}).objective(DESCRIBED)


@pytest.mark.parametrize("objective", [Comparisons(ComparisonsConfig()), attributes_of(DESCRIBED)])
def test_cutting_a_batch_into_micro_batches_changes_nothing(objective):
    feedback = PAIRS if isinstance(objective, Comparisons) else DESCRIBED
    whole, cut = (fitted(objective, feedback, max_tokens=n)[0][0] for n in (1000, 1))
    assert cut == pytest.approx(whole, rel=1e-4)


def test_batches_are_of_whole_rows_and_within_the_budget():
    objective = Comparisons(ComparisonsConfig())
    rows = objective.rows(PAIRS * 5, reader_of(model_for(objective)))
    batches = row_batches(rows, max_tokens=400)
    assert sorted(id(row) for part in batches for row in part) == sorted(id(row) for row in rows)
    for part in batches:
        lengths = [len(answer.token_ids) for row in part for answer in row.answers]
        assert len(lengths) * max(lengths) <= 400
    assert len(batches) > 1


def test_scores_come_in_the_order_of_rows_whatever_the_batches():
    objective = Comparisons(ComparisonsConfig())
    model = model_for(objective)
    rows = objective.rows([PAIRS[1], PAIRS[0]] * 2, reader_of(model))
    small, large = (row_scores(model, rows, max_tokens=n) for n in (1, 10000))
    flat = [[number for answer in row for number in answer] for row in small]
    assert flat == [
        pytest.approx([number for answer in row for number in answer], abs=1e-5) for row in large
    ]


def run_fit(objective, train, dev, folder):
    model = model_for(objective)
    reader = reader_of(model)
    run = StageRun("reward_model", folder, seed=1, artifacts={})
    steps = fit_rewards(
        run,
        model,
        objective,
        config=FitConfig(epochs=3, batch_size=2, optimizer=FAST),
        train=objective.rows(train, reader),
        dev=objective.rows(dev, reader),
        metrics=lambda _model, rows, scores: {"rows": float(len(rows)), "all": len(scores)},
        max_tokens=1000,
        first_metrics={"data/train_rows": 2.0},
    )
    return run, [result.metrics for result in steps]


def test_a_stage_fits_and_is_selected_by_its_fit_to_dev(tmp_path):
    objective = Comparisons(ComparisonsConfig())
    run, metrics = run_fit(objective, PAIRS, PAIRS[:1], tmp_path)
    assert len(metrics) == run.num_steps == 3
    assert metrics[0]["data/train_rows"] == 2.0
    assert "data/train_rows" not in metrics[1]
    assert run.measure is not None
    found = run.measure()
    assert [*found] == ["dev/fit", "dev/rows", "dev/all"]
    assert -math.log(2) < found["dev/fit"] < 0


def test_no_feedback_is_an_error(tmp_path):
    objective = Comparisons(ComparisonsConfig())
    with pytest.raises(DataError, match="no dev feedback of the kind comparisons"):
        run_fit(objective, PAIRS, [], tmp_path)


def judge_of(objective, **settings):
    model = model_for(objective)
    return RewardJudge(model, max_tokens=1000, **settings), reader_of(model)


def test_a_judge_pays_in_the_units_of_labels_and_equal_answers_equally():
    judge, read = judge_of(attributes_of(DESCRIBED), weights={"true": 2.0, "short": -1.0})
    answers = [read(ASKED, GOOD), read(ASKED, BAD), read(ASKED, GOOD)]
    rewards, outputs = judge.rewards(answers), judge.outputs(answers)
    assert rewards == pytest.approx([2 * true - short for true, short in outputs])
    assert rewards[0] == rewards[2]
    assert judge.rewards([]) == []


def test_an_ensemble_doubts_where_its_members_differ():
    judge, read = judge_of(Comparisons(ComparisonsConfig()))
    answers = [read(ASKED, GOOD), read(ASKED, BAD)]
    first, second = judge.rewards(answers)
    units = [Units(first, 1.0), Units(first, 2.0)]
    said = RewardEnsemble([judge, judge], units).rewards(answers)
    assert said[0] == EnsembleReward(0.0, 0.0)
    gap = second - first
    assert said[1].mean == pytest.approx(0.75 * gap)
    assert said[1].deviation == pytest.approx(0.25 * abs(gap))
    assert said[1].pessimistic(2.0) == pytest.approx(0.75 * gap - 0.5 * abs(gap))


def test_units_are_the_mean_and_deviation_of_held_out_rewards():
    assert Units.of([1.0, 3.0]) == Units(2.0, 1.0)
    assert Units.of([2.0, 2.0]).standard(5.0) == 3.0


def test_a_problem_of_any_kind_can_be_judged():
    judge, read = judge_of(Comparisons(ComparisonsConfig()))
    assert len(judge.rewards([read(Problem("q", "Why?", None), "So.")])) == 1
