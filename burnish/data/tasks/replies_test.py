from __future__ import annotations

from collections import Counter
from statistics import fmean

import pytest

from burnish.data.feedback.kinds import FeedbackSplit, FeedbackTask
from burnish.data.feedback.simulated import RatersConfig
from burnish.data.feedback.spoken import comment_on
from burnish.data.tasks.replies import RepliesTask, scene_of
from burnish.errors import DataError
from burnish.types import AttributeRating, Comment, Preference, Problem, Rating

SPLITS = ("train", "dev", "test")
PRECISE = RatersConfig(noise=0.0, strictness=0.0, rating_noise=0.0, missing=0.0)


def task(size=60, **settings):
    return RepliesTask(train_size=size, dev_size=20, test_size=20, **settings)


def said(kind, split: FeedbackSplit = "train", size=60, **raters):
    return task(size, raters=PRECISE.model_copy(update=raters)).feedback(kind, split).rows


def gold(problem, text):
    return task().gold(problem, text)["reward"]


def test_prompt_and_target_character_by_character():
    (problem, *_) = task().problems("train")
    scene = scene_of(problem)
    amounts = ", ".join(f"{n} {thing}" for thing, n in list(scene.amounts.items())[:2])
    last, asked = list(scene.amounts.items())[2], " and ".join(f"the {t}" for t in scene.asked)
    question = (
        f"{scene.owner} has {amounts} and {last[1]} {last[0]}. {scene.asker} asks for {asked}."
    )
    assert task().prompt(problem) == f"{question}\n"
    assert task(model_share=1.0).target(problem) == problem.rationale


def test_no_question_stands_in_two_splits():
    asked = {split: {p.question for p in task().problems(split)} for split in SPLITS}
    asked["shifted"] = {row.problem.question for row in said("comparisons", "shifted")}
    assert len(set.union(*asked.values())) == sum(map(len, asked.values())) == 60 + 20 + 20 + 20


def test_replies_to_imitate_are_as_good_as_asked_for():
    (good, average) = (
        fmean(gold(p, t.target(p)) for p in t.problems("train"))
        for t in (task(model_share=1.0), task())
    )
    assert good == pytest.approx(1.0)
    assert 0.6 < average < 0.85
    assert all(gold(p, str(p.answer)) == pytest.approx(1.0) for p in task().problems("test"))


def test_the_same_settings_make_the_same_feedback():
    assert said("comparisons") == said("comparisons")
    assert said("comparisons") != task(60, seed=1, raters=PRECISE).feedback("comparisons", "train")
    assert isinstance(task(), FeedbackTask)


def test_careful_people_prefer_what_is_truly_better():
    for row in said("comparisons"):
        assert isinstance(row, Preference)
        better, worse = gold(row.problem, row.chosen), gold(row.problem, row.rejected)
        assert better >= worse
        assert (row.probability == 0.5) == (better == worse)


def test_noise_turns_its_share_of_labels_around():
    wrong = [
        gold(row.problem, row.chosen) < gold(row.problem, row.rejected)
        for row in said("comparisons", size=400, noise=0.3)
        if isinstance(row, Preference) and row.probability == 1.0
    ]
    assert fmean(wrong) == pytest.approx(0.3, abs=0.07)


def test_votes_make_soft_labels_and_ties():
    found = said("comparisons", size=100, noise=0.3, votes=4)
    shares = Counter(row.probability for row in found if isinstance(row, Preference))
    assert set(shares) == {0.5, 0.75, 1.0}


def test_several_answers_are_one_ranking():
    rows = [row for row in said("comparisons", size=5, answers=4) if isinstance(row, Preference)]
    assert Counter(row.ranking for row in rows) == {row.problem.id: 6 for row in rows}


def test_a_liking_for_length_prefers_longer_answers():
    def longer(bias):
        rows = said("comparisons", size=200, length_bias=bias)
        return fmean(
            len(row.chosen) > len(row.rejected) for row in rows if isinstance(row, Preference)
        )

    assert longer(0.5) > longer(0.0) + 0.1


def test_ratings_are_the_reward_on_a_scale_less_strictness():
    for row in said("ratings"):
        assert isinstance(row, Rating)
        assert row.rating == round(4 * gold(row.problem, row.text))
    strict = said("ratings", size=200, strictness=1.5)
    of_rater: dict[str, list[int]] = {}
    for row in strict:
        assert isinstance(row, Rating)
        of_rater.setdefault(row.rater, []).append(row.rating)
    means = [fmean(grades) for grades in of_rater.values()]
    assert max(means) - min(means) > 0.5


def test_attributes_are_the_true_ones_with_gaps():
    for row in said("attributes"):
        assert isinstance(row, AttributeRating)
        true = dict(task().gold(row.problem, row.text))
        true.pop("reward")
        assert row.values == true
    gaps = [value is None for row in said("attributes", missing=0.4) for value in _values(row)]
    assert fmean(gaps) == pytest.approx(0.4, abs=0.08)


def _values(row):
    assert isinstance(row, AttributeRating)
    return row.values.values()


def test_comments_say_how_good_an_answer_is():
    import random

    low = {"helpful": 0.0, "honest": 4.0, "kind": 2.0, "brief": 2.0}
    words = {comment_on(0.05, low, random.Random(seed)).split(".")[0] for seed in range(30)}
    assert words == {"Useless", "A bad reply", "I learnt nothing from this"}
    endings = {comment_on(0.95, low, random.Random(seed)).split(". ", 1)[-1] for seed in range(30)}
    assert {"It leaves out what I asked for.", "The numbers are right."} < endings
    assert all(isinstance(row, Comment) and row.comment for row in said("comments"))


def test_out_of_distribution_there_are_more_and_other_things_and_longer_answers():
    near, far = said("comparisons", "test"), said("comparisons", "shifted")
    things = [len(scene_of(row.problem).amounts) for row in far]
    assert set(things) == {5}

    def words(rows):
        return fmean(len(r.chosen.split()) for r in rows if isinstance(r, Preference))

    assert words(far) > 1.5 * words(near)


def test_a_problem_of_another_task_has_no_gold_reward():
    with pytest.raises(DataError, match="its gold reward is not known"):
        task().gold(Problem("p", "How far?", None), "Far.")
