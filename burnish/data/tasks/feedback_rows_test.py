from __future__ import annotations

import json

import pytest

from burnish.data.feedback.kinds import FeedbackSplit, FeedbackTask
from burnish.data.tasks.feedback_rows import FeedbackRowsTask
from burnish.errors import ConfigError, DataError
from burnish.types import AttributeRating, Preference


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pairs(count):
    return [{"prompt": f"Q{n}", "chosen": f"good {n}", "rejected": "bad"} for n in range(count)]


def test_a_share_of_the_prompts_becomes_dev(tmp_path):
    rows = [row for row in pairs(10) for _ in range(2)]
    task = FeedbackRowsTask(train=write(tmp_path / "train.jsonl", rows), dev_share=0.3)
    assert isinstance(task, FeedbackTask)
    train, dev = (task.feedback("comparisons", split).rows for split in ("train", "dev"))
    assert (len(train), len(dev)) == (14, 6)
    assert not {row.problem.id for row in train} & {row.problem.id for row in dev}
    assert task.feedback("comparisons", "test").rows == ()


def test_prompts_are_the_problems_and_better_answers_are_imitated(tmp_path):
    path = write(tmp_path / "rows.jsonl", pairs(3))
    task = FeedbackRowsTask(train=path, dev=path, test=path)
    problems = task.problems("test")
    assert [task.prompt(problem) for problem in problems] == ["Q0", "Q1", "Q2"]
    assert [task.target(problem) for problem in problems] == ["good 0", "good 1", "good 2"]


RATED = [
    {"prompt": "Q", "response": text, "rating": grade, "rater": rater}
    for text, grade, rater in (("a", 5, "u"), ("b", 3, "u"), ("c", 2, "v"), ("d", 2, "v"))
]


def test_ratings_by_one_rater_become_comparisons(tmp_path):
    path = write(tmp_path / "rows.jsonl", RATED)
    (found,) = FeedbackRowsTask(train=path, dev=path).feedback("comparisons", "train").rows
    assert isinstance(found, Preference)
    assert (found.chosen, found.rejected, found.strength) == ("a", "b", 2.0)
    task = FeedbackRowsTask(train=path, dev=path, min_gap=3)
    with pytest.raises(DataError, match="the rows are ratings, of which no comparisons can be"):
        task.feedback("comparisons", "train")


def test_a_rating_is_one_attribute(tmp_path):
    path = write(tmp_path / "rows.jsonl", RATED[:1])
    (found,) = FeedbackRowsTask(train=path, dev=path).feedback("attributes", "train").rows
    assert isinstance(found, AttributeRating)
    assert found.values == {"rating": 4.0}


def test_attributes_become_comparisons_by_weights(tmp_path):
    rows = [
        {"prompt": "Q", "response": text, "helpfulness": helpful, "verbosity": verbose}
        for text, helpful, verbose in (("a", 3, 4), ("b", 2, 1), ("c", None, 0))
    ]
    path = write(tmp_path / "rows.jsonl", rows)
    weights = {"helpfulness": 1.0, "verbosity": -0.5}
    task = FeedbackRowsTask(train=path, dev=path, attribute_weights=weights)
    (found,) = task.feedback("comparisons", "train").rows
    assert isinstance(found, Preference)
    assert (found.chosen, found.rejected, found.strength) == ("b", "a", 0.5)


def test_good_and_bad_are_two_grades(tmp_path):
    rows = [{"prompt": "Q", "completion": "a", "label": True}]
    path = write(tmp_path / "rows.jsonl", rows)
    assert FeedbackRowsTask(train=path, dev=path).num_grades() == 2
    path = write(tmp_path / "rows.jsonl", RATED)
    assert FeedbackRowsTask(train=path, dev=path).num_grades() == 5


def test_skipped_rows_are_counted_once(tmp_path):
    bad = {"prompt": "Q", "chosen": "same", "rejected": "same"}
    path = write(tmp_path / "rows.jsonl", [*pairs(9), bad])
    task = FeedbackRowsTask(train=path, bad_rows="skip")
    assert task.feedback("comparisons", "train").skipped == {"identical_answers": 1}
    assert task.feedback("comparisons", "dev").skipped == {}
    with pytest.raises(DataError, match=r"rows\.jsonl:10: the answers that are compared are the"):
        FeedbackRowsTask(train=path).feedback("comparisons", "train")


def test_an_export_may_be_one_array(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(pairs(2)), encoding="utf-8")
    task = FeedbackRowsTask(train=path, dev=path)
    assert len(task.feedback("comparisons", "train").rows) == 2
    path.write_text("[{]", encoding="utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        task.feedback("comparisons", "train")


def test_a_scale_goes_up(tmp_path):
    tree = {"train": "rows.jsonl", "rating_scale": [5, 1]}
    with pytest.raises(ConfigError, match="expected the lowest, then the highest"):
        FeedbackRowsTask.from_tree(tree, source="recipe.yaml")


@pytest.mark.data
def test_dialogues_of_hh_are_read_and_faults_counted(data_folder):
    task = FeedbackRowsTask(
        train=data_folder / "hh_harmless" / "train.jsonl",
        test=data_folder / "hh_harmless" / "test.jsonl",
        bad_rows="skip",
    )
    sizes: dict[FeedbackSplit, int] = {"train": 2000, "test": 312}
    for split, size in sizes.items():
        found = [task.feedback("comparisons", split)]
        found += [task.feedback("comparisons", "dev")] if split == "train" else []
        num = sum(len(f.rows) + sum(f.skipped.values()) for f in found)
        assert num == size
        for row in found[0].rows:
            assert isinstance(row, Preference)
            assert row.problem.question.startswith("\n\nHuman:")
            assert row.problem.question.endswith("\n\nAssistant:")
            assert row.chosen[:1] == " "
