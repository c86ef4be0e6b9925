from __future__ import annotations

import json
from dataclasses import replace

import pytest

from burnish.data.tasks.replies import RepliesTask
from burnish.errors import DataError, GraderError
from burnish.graders.model_client.scripted_server import Reply
from burnish.training.judging.label_report import LabelledPair
from burnish.training.judging.labelling import (
    LabelsConfig,
    SampledPairs,
    ai_preferences,
    audit_pairs,
    label_pairs,
    read_labels,
    sampled_pairs,
)
from burnish.training.judging.labels import AnswerPair, PairJudge, PairLabel
from burnish.training.judging.options import NEITHER
from burnish.training.judging.pair_judge import ModelPairJudgeConfig
from burnish.training.judging.simulated import SimulatedJudge, SimulatedJudgeConfig
from burnish.training.samples import GradedSample
from burnish.training.stage import StageRun
from burnish.types import Problem, Score, StopReason

TASK = RepliesTask(train_size=10, dev_size=4, test_size=2)
PROBLEMS = {problem.id: problem for problem in TASK.problems("train")}
PAIRS = SampledPairs(
    tuple(AnswerPair(p, str(p.answer), "Good luck.") for p in PROBLEMS.values()),
    {"empty_answers": 3},
)
SIMULATED = SimulatedJudge(SimulatedJudgeConfig(), TASK)


def sample(problem_id: str, text: str) -> GradedSample:
    return GradedSample(problem_id, (1,), (2,), text, Score(0.0, False, None), StopReason.EOS)


def label_all(folder, judge: PairJudge = SIMULATED, pairs=PAIRS, **settings):
    run = StageRun("label", folder, seed=1, artifacts={})
    config = LabelsConfig(**{"batch_size": 4, **settings})
    return [step.metrics for step in label_pairs(run, pairs, task=TASK, judge=judge, config=config)]


def test_pairs_are_of_different_answers_and_what_is_passed_over_is_counted():
    first, second, *_ = PROBLEMS
    samples = [
        *(sample(first, text) for text in ("a", "b ", " a", "", "c")),
        *(sample(second, text) for text in ("d", "d")),
    ]
    found = sampled_pairs(samples, PROBLEMS, pairs_per_problem=2)
    assert [(p.problem.id, p.first, p.second) for p in found.pairs] == [
        (first, "a", "b"),
        (first, "a", "c"),
    ]
    assert found.skipped == {
        "empty_answers": 1,
        "identical_answers": 2,
        "problems_without_pair": 1,
    }


def test_labels_are_kept_with_their_source_and_counted(tmp_path):
    metrics = label_all(tmp_path, num_labels=6)
    rows = read_labels(tmp_path)
    assert len(metrics) == 2
    assert [row.label.probability for row in rows] == [1.0] * 6
    assert {row.gold for row in rows} == {(1.0, 0.0)}
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert (counts["pairs"], counts["labels"], counts["empty_answers"]) == (6, 6, 3)
    assert counts["agrees_with_gold"] == 1.0


def test_audited_pairs_are_compared_and_not_learnt_from(tmp_path):
    label_all(tmp_path, audit=3, num_labels=2)
    rows = read_labels(tmp_path)
    assert [row.people is not None for row in rows] == [False, False, True, True, True]
    assert len(ai_preferences(rows, PROBLEMS)) == 2
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert (counts["audited"], counts["pairs"]) == (3, 2)


def test_better_answer_of_people_stands_in_either_place():
    rows = TASK.feedback("comparisons", "dev").rows
    (first, p), (second, q) = audit_pairs(TASK, 2)
    assert (first.first, p) == (rows[0].chosen, 1.0)  # pyright: ignore[reportAttributeAccessIssue]
    assert (second.second, q) == (rows[1].chosen, 0.0)  # pyright: ignore[reportAttributeAccessIssue]


def test_stopped_labelling_goes_on_where_it_was_and_ends_the_same(
    tmp_path, server, endpoint, goes_on
):
    """The server dies inside the second step; what it has said is asked for once."""
    judge = ModelPairJudgeConfig(model=endpoint(max_concurrent=1, max_retries=0))
    told, down = goes_on(("1", 0.7), ("2", 0.3)), Reply({"error": "down"}, status=500)
    left = iter(range(13))
    server.script = lambda body: told if next(left, None) is not None else down
    with pytest.raises(GraderError, match="cannot be asked"):
        label_all(tmp_path / "stopped", judge.build(None))  # pyright: ignore[reportArgumentType]
    assert [piece.name for piece in (tmp_path / "stopped" / "pieces").iterdir()] == ["000000.jsonl"]
    num_asked = len(server.requests)
    server.script = [told]
    label_all(tmp_path / "stopped", judge.build(None))  # pyright: ignore[reportArgumentType]
    assert len(server.requests) - num_asked == 20 - 13
    uncached = ModelPairJudgeConfig(model=endpoint(cache_folder=None))
    label_all(tmp_path / "whole", uncached.build(None))  # pyright: ignore[reportArgumentType]
    for name in ("labels.jsonl", "counts.json"):
        stopped, whole = ((tmp_path / f / name).read_text() for f in ("stopped", "whole"))
        assert stopped == whole


def test_judge_that_says_neither_is_counted_and_seen(tmp_path, server, endpoint, goes_on):
    def script(body):
        says_neither = PAIRS.pairs[0].problem.question in body["messages"][0]["content"]
        return goes_on(("Both", 0.99), ("1", 0.01)) if says_neither else goes_on(("2", 0.9))

    server.script = script
    judge = ModelPairJudgeConfig(model=endpoint()).build(None)  # pyright: ignore
    first, *_ = label_all(tmp_path, judge)
    assert first["label/labelled"] == 0.75
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts["unlabelled"] == {NEITHER: 1}
    assert counts["labels"] == 9
    assert counts["judge_prompt_tokens"] == 20 * 40
    assert counts["same_position"] == 1.0
    assert len(ai_preferences(read_labels(tmp_path), PROBLEMS)) == 9


def test_judge_that_labels_nothing_stops_the_run(tmp_path, server, endpoint, goes_on):
    server.script = [goes_on(("Both", 1.0))]
    judge = ModelPairJudgeConfig(model=endpoint()).build(None)  # pyright: ignore
    with pytest.raises(DataError, match=r"labelled none of 10 pairs.*says_no_option.*options"):
        label_all(tmp_path, judge)
    assert (tmp_path / "labels.jsonl").exists()


def test_nothing_to_compare_stops_the_run(tmp_path):
    with pytest.raises(DataError, match="no problem has two different answers"):
        label_all(tmp_path, pairs=SampledPairs((), {"identical_answers": 8}))


def test_soft_label_stands_with_the_better_answer():
    problem = Problem("p", "Which?", None)
    rows = [
        LabelledPair("p", "a", "b", PairLabel("judge", 0.75)),
        LabelledPair("p", "a", "c", PairLabel("judge", 0.25)),
        LabelledPair("p", "a", "d", PairLabel("judge", None)),
    ]
    found = ai_preferences(rows, {"p": problem}, weight=2.0)
    assert [(p.chosen, p.rejected, p.probability) for p in found] == [
        ("a", "b", 0.75),
        ("c", "a", 0.75),
    ]
    assert {(p.source, p.weight) for p in found} == {("ai:judge", 2.0)}


def test_labels_differ_with_the_seed_of_the_run(tmp_path):
    judge = SimulatedJudge(SimulatedJudgeConfig(noise=0.5), TASK)
    label_all(tmp_path / "a", judge)
    label_all(tmp_path / "b", judge)
    run = StageRun("label", tmp_path / "c", seed=2, artifacts={})
    list(label_pairs(run, PAIRS, task=TASK, judge=judge, config=LabelsConfig(batch_size=4)))
    first, same, other = (read_labels(tmp_path / name) for name in "abc")
    assert first == same != other
    assert replace(first[0], label=other[0].label) == other[0]
