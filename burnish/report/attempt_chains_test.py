from __future__ import annotations

from burnish.report.attempt_chains import attempt_splits, has_turns
from burnish.report.fake_correction import sample_row


def only_split(rows):
    (found,) = attempt_splits(rows)
    return found


def test_every_model_has_its_chain_at_the_same_problem():
    rows = [sample_row(stage, "p", False, True) for stage in ("base", "stage_one", "stage_two")]
    (problem,) = only_split(rows).problems
    assert [chain.title for chain in problem.chains] == ["Base model", "Stage I", "Stage II"]
    assert [a.text for a in problem.chains[0].attempts] == [
        "I try 1.\nIt is 1",
        "I try 2.\nIt is 7",
    ]


def test_the_four_kinds_are_told_apart():
    rights = {"f": (False, True), "b": (True, False), "k": (True, True), "m": (False, False)}
    problems = only_split([sample_row("base", name, *r) for name, r in rights.items()]).problems
    assert {p.problem_id: p.kinds for p in problems} == {
        "f": {"base": ["fixed"]},
        "b": {"base": ["broken"]},
        "k": {"base": ["kept"]},
        "m": {"base": ["missed"]},
    }


def test_problems_that_the_last_model_fixed_or_broke_come_first():
    rows = [
        sample_row("base", "missed then fixed", False, False),
        sample_row("base", "kept", True, True),
        sample_row("stage_one", "kept", True, True),
        sample_row("stage_one", "broken", True, False),
        sample_row("stage_one", "missed then fixed", False, True),
    ]
    found = only_split(rows)
    assert [p.problem_id for p in found.problems] == ["missed then fixed", "broken", "kept"]
    assert found.stages == ("base", "stage_one")


def test_more_attempts_make_more_transitions():
    found = only_split([sample_row("base", "p", True, False, True)])
    (chain,) = found.problems[0].chains
    assert [(t.before.number, t.after.number, t.kind) for t in chain.transitions] == [
        (1, 2, "broken"),
        (2, 3, "fixed"),
    ]
    assert found.num_transitions == 2


def test_what_was_extracted_rewarded_and_cut_is_kept():
    row = sample_row("base", "p", False, True)
    row["turns"][0] |= {"stop_reason": "length", "answer": None, "reward": 0.1}
    first, second = only_split([row]).problems[0].chains[0].attempts
    assert (first.is_cut, first.extracted, first.reward) == (True, "", "0.1")
    assert (second.is_cut, second.extracted, second.reward) == (False, "7", "1")


def test_training_samples_show_the_first_and_the_last_step_of_a_stage():
    rows = [sample_row("stage_one", "p", False, step == 9, step=step) for step in (1, 5, 9)]
    found = only_split(rows)
    titles = [chain.title for chain in found.problems[0].chains]
    assert (found.split, titles) == ("train", ["Stage I, step 1", "Stage I, step 9"])
    assert found.problems[0].kinds == {"stage_one": ["fixed"]}


def test_of_many_training_problems_the_latest_of_each_stage_are_shown():
    rows = [
        sample_row(stage, f"{stage} {step}", False, False, step=step)
        for stage in ("stage_one", "stage_two")
        for step in range(1, 31)
    ]
    found = only_split(rows)
    shown = {problem.problem_id for problem in found.problems}
    assert found.num_logged == 60
    assert shown == {f"{stage} {step}" for stage in found.stages for step in range(15, 31)}


def test_test_problems_come_before_training_samples():
    rows = [sample_row("a", "p", True, True, step=3), sample_row("a", "q", True, True)]
    assert [found.split for found in attempt_splits(rows)] == ["test", "train"]


def test_excerpts_leave_out_the_lines_that_all_prompts_share():
    rows = [sample_row("base", name, True, True) for name in ("one", "two")]
    assert [p.excerpt for p in only_split(rows).problems] == ["What is one?", "What is two?"]
    assert only_split(rows[:1]).problems[0].excerpt == "Question: What is one?"
    rows[0]["prompt"] = "Question:\n" + "x" * 500
    assert only_split(rows).problems[0].excerpt == "x" * 110 + "\u2026"


def test_samples_of_one_attempt_are_left_alone():
    row = sample_row("base", "p", True)
    assert not has_turns(row)
    assert not has_turns({"turns": "two"})
    assert attempt_splits([row, {}]) == []
