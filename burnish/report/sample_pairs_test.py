from __future__ import annotations

from burnish.report.sample_pairs import sample_pairs


def row(stage, problem, is_correct, *, step=1, split="test", sample=0, text="t"):
    return {
        "stage": stage,
        "step": step,
        "split": split,
        "problem_id": problem,
        "prompt": "What?",
        "text": text,
        "answer": None,
        "gold": "7",
        "reward": float(is_correct),
        "is_correct": is_correct,
        "stop_reason": "eos",
        "sample": sample,
    }


def test_answers_of_all_stages_stand_side_by_side():
    found = sample_pairs([row(s, "a", s == "reft") for s in ("warm_up", "sft", "reft")])
    assert [a.title for a in found.shown[0].answers] == ["Warm-up", "SFT", "ReFT"]
    assert found.shown[0].outcome == "gained"


def test_the_last_step_and_first_sample_of_a_stage_is_taken():
    rows = [
        row("sft", "a", False),
        row("reft", "a", False, step=9, sample=1, text="second"),
        row("reft", "a", True, step=9, text="first"),
        row("reft", "a", False, step=1, text="early"),
    ]
    assert sample_pairs(rows).shown[0].answers[1].text == "first"


def test_losses_are_counted_and_shown():
    rows = []
    for i in range(9):
        rows += [row("sft", f"gain{i}", False), row("reft", f"gain{i}", True)]
    rows += [row("sft", "loss", True), row("reft", "loss", False)]
    rows += [row("sft", "same", True), row("reft", "same", True)]
    found = sample_pairs(rows)
    assert found.counts == {"gained": 9, "kept": 1, "lost": 1, "missed": 0}
    assert found.total == 11
    outcomes = [p.outcome for p in found.shown]
    assert outcomes == ["gained"] * 4 + ["kept", "lost"]


def test_one_stage_is_compared_with_its_own_first_step():
    rows = [row("reft", "a", False, step=1), row("reft", "a", True, step=20)]
    titles = [a.title for a in sample_pairs(rows).shown[0].answers]
    assert titles == ["ReFT, step 1", "ReFT, step 20"]


def test_the_test_split_comes_first_and_training_samples_serve_where_there_is_none():
    train = [row(s, "a", True, split="train") for s in ("sft", "reft")]
    test = [row(s, "b", True) for s in ("sft", "reft")]
    assert sample_pairs(train + test).shown[0].problem_id == "b"
    assert sample_pairs(train).shown[0].problem_id == "a"


def test_nothing_to_compare_shows_nothing():
    assert sample_pairs([row("sft", "a", True), row("reft", "b", True)]).shown == ()
