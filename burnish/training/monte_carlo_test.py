from __future__ import annotations

from itertools import islice

import pytest
from pydantic import TypeAdapter

from burnish.errors import ModelError
from burnish.models.process_reward_model import start_process_reward
from burnish.models.tiny import byte_level_tokenizer, tiny_model
from burnish.rollout.stopping import decode
from burnish.search.steps import SentenceSteps
from burnish.training.monte_carlo import (
    CompletedSteps,
    MonteCarloConfig,
    label_steps,
    read_labels,
)
from burnish.training.row_files import read_rows
from burnish.training.stage import StageRun
from burnish.training.value_fit import labelled_solutions
from burnish.types import SteppedTokens

CONFIG = MonteCarloConfig(num_solutions=6, num_dev_solutions=3, num_completions=5, batch_size=8)
SENTENCES = SentenceSteps()


def collected(steps_bench, folder, config=CONFIG):
    run = StageRun("labels", folder, seed=1, artifacts={})
    found = label_steps(run, bench=steps_bench, config=config, steps=SENTENCES, policy_folder=None)
    return [result.metrics for result in found]


def test_outcomes_become_hard_and_soft_labels():
    tokens = SteppedTokens("p", (2,), ((5,), (6,), (7,)))
    row = CompletedSteps(tokens, ("a", "b", "c"), ((False, True, False), (), (False,)), 9)
    assert row.labels("hard").values == (1.0, None, 0.0)
    assert row.labels("soft").values == (pytest.approx(1 / 3), None, 0.0)


def test_steps_are_labelled_by_what_completing_them_leads_to(steps_bench, tmp_path):
    collected(steps_bench, tmp_path)
    tokenizer = steps_bench.load_policy().tokenizer
    problems = {p.id: p for p in steps_bench.problems("train")}
    soft = read_labels(tmp_path, "train", "soft")
    hard = read_labels(tmp_path, "train", "hard")
    assert {labels.tokens.problem_id for labels in soft} == problems.keys()
    first_steps: dict[tuple[str, tuple[int, ...]], float | None] = {}
    for ours, theirs in zip(soft, hard, strict=True):
        text = decode(tokenizer, sum(ours.tokens.step_ids, ()))
        is_right = text == steps_bench.task.target(problems[ours.tokens.problem_id])
        assert ours.values[-1] == float(is_right)
        assert len(ours.values) == (2 if text.startswith("Hm") else 3)
        if text.startswith("Hm"):
            assert ours.values[0] == 0.0
        assert theirs.values == tuple(float(bool(v)) for v in ours.values)
        first = (ours.tokens.problem_id, ours.tokens.step_ids[0])
        assert first_steps.setdefault(first, ours.values[0]) == ours.values[0]
    shares = {v for row in soft for v in row.values[:-1] if v is not None}
    assert shares <= {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}
    assert any(0.0 < share < 1.0 for share in shares)


def test_equal_prefixes_are_completed_once(steps_bench, tmp_path):
    collected(steps_bench, tmp_path)
    rows = read_labels(tmp_path, "train", "hard") + read_labels(tmp_path, "dev", "hard")
    prefixes = {
        (row.tokens.problem_id, row.tokens.step_ids[:size])
        for row in rows
        for size in range(1, len(row.tokens.step_ids))
    }
    assert steps_bench.num_asked == 24 * 6 + 8 * 3 + 5 * len(prefixes)


def test_tokens_of_a_prefix_are_counted_where_it_was_asked_first(steps_bench, tmp_path):
    collected(steps_bench, tmp_path)
    rows = read_rows(tmp_path / "train.jsonl", TypeAdapter(CompletedSteps))
    own = [len(r.tokens.token_ids) - len(r.tokens.prompt_ids) for r in rows]
    begun: set[tuple[str, tuple[int, ...]]] = set()
    for row, num_own in zip(rows, own, strict=True):
        first = (row.tokens.problem_id, row.tokens.step_ids[0])
        if first in begun:
            assert row.num_tokens == num_own
        else:
            assert row.num_tokens >= num_own + 5 * 5
        begun.add(first)
    assert len(begun) < len(rows)


def test_budgets_limit_the_problems(steps_bench, tmp_path):
    config = CONFIG.model_copy(update={"num_train": 2, "num_dev": 1})
    metrics = collected(steps_bench, tmp_path, config)
    assert len(metrics) == 2
    assert len({r.tokens.problem_id for r in read_labels(tmp_path, "train", "hard")}) == 2
    assert len({r.tokens.problem_id for r in read_labels(tmp_path, "dev", "hard")}) == 1


def test_metrics_say_what_was_found(steps_bench, tmp_path):
    config = CONFIG.model_copy(update={"batch_size": 24})
    first = collected(steps_bench, tmp_path, config)[0]
    rows = read_labels(tmp_path, "train", "soft")
    values = [v for row in rows for v in row.values if v is not None]
    assert first["labels/solutions"] == len(rows)
    assert first["labels/steps"] == len(values)
    assert first["labels/soft"] == pytest.approx(sum(values) / len(values))
    assert first["labels/correct_solutions"] == pytest.approx(
        sum(row.values[-1] or 0.0 for row in rows) / len(rows)
    )


def test_a_stopped_stage_samples_only_what_is_missing_and_ends_the_same(steps_bench, tmp_path):
    whole = collected(steps_bench, tmp_path / "whole")
    lines = (tmp_path / "whole" / "train.jsonl").read_text()
    all_asked, type(steps_bench).num_asked = steps_bench.num_asked, 0

    run = StageRun("labels", tmp_path / "cut", seed=1, artifacts={})
    steps = label_steps(run, bench=steps_bench, config=CONFIG, steps=SENTENCES, policy_folder=None)
    assert len(list(islice(steps, 2))) == 2
    assert not (tmp_path / "cut" / "train.jsonl").exists()

    assert collected(steps_bench, tmp_path / "cut") == whole
    assert (tmp_path / "cut" / "train.jsonl").read_text() == lines
    assert steps_bench.num_asked == all_asked


def test_labels_of_another_tokenizer_are_refused(steps_bench, tmp_path):
    collected(steps_bench, tmp_path)
    other = tiny_model("llama", tokenizer=byte_level_tokenizer(300, starts_with_bos=True))
    model = start_process_reward(other, head="hidden", compute_dtype=steps_bench._dtype)
    with pytest.raises(ModelError, match="is not that of the policy that was sampled"):
        labelled_solutions(steps_bench, model, CONFIG, "train", artifacts={"labels": tmp_path})
