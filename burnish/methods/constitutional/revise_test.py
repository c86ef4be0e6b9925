from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from pydantic import TypeAdapter

from burnish.errors import ConfigError
from burnish.methods.constitutional.revise import HELPFUL, TRANSCRIPTS, ReviseConfig, revise
from burnish.methods.constitutional.transcripts import read_transcripts, transcript_counts
from burnish.training.row_files import read_rows
from burnish.training.stage import StageRun

COUNTS = TypeAdapter(dict[str, int])
CONFIG = {
    "rounds": 2,
    "batch_size": 5,
    "helpful_share": 0.25,
    "dialogue": {"exemplars": None},
    "max_critique_tokens": 60,
}


def steps(bench, constitution, folder, **settings):
    run = StageRun("revise", folder, seed=1, artifacts={})
    config = ReviseConfig.model_validate(CONFIG | settings)
    return revise(run, bench=bench, config=config, constitution=constitution, start=None)


def revised(bench, constitution, folder, **settings):
    results = [*steps(bench, constitution, folder, **settings)]
    return results, read_transcripts(folder / TRANSCRIPTS)


def test_every_round_criticises_and_revises_what_the_round_before_said(
    talking_bench, constitution, tmp_path
):
    _, found = revised(talking_bench, constitution, tmp_path)
    assert len(found) == 12
    for transcript in found:
        first, second = transcript.rounds
        assert first.critique == f"About: {first.critique_request}"
        assert first.text == first.revision == f"{transcript.answer} Good luck."
        assert second.revision == f"{first.text} Good luck."
        assert transcript.revisions == [first.revision, second.revision]


def test_critic_reads_the_request_of_the_principle_it_is_said_to_read(
    talking_bench, constitution, tmp_path
):
    _, found = revised(talking_bench, constitution, tmp_path)
    requests = {p.id: (p.critique_request, p.revision_request) for p in constitution.principles}
    for transcript in found:
        for said in transcript.rounds:
            assert requests[said.principle] == (said.critique_request, said.revision_request)


def test_principles_are_drawn_anew_for_every_answer_and_round(
    talking_bench, constitution, tmp_path
):
    _, found = revised(talking_bench, constitution, tmp_path, rounds=6)
    drawn = Counter(said.principle for transcript in found for said in transcript.rounds)
    assert set(drawn) == set(constitution.ids)
    assert len({tuple(said.principle for said in t.rounds) for t in found}) > 6


def test_rounds_are_a_function_of_the_seed(talking_bench, constitution, tmp_path):
    _, first = revised(talking_bench, constitution, tmp_path / "a")
    _, again = revised(talking_bench, constitution, tmp_path / "b")
    _, other = revised(talking_bench, constitution, tmp_path / "c", samples_per_problem=2)
    assert first == again
    assert len(other) == 24
    assert {t.sample for t in other} == {0, 1}


def test_share_of_the_problems_is_answered_and_not_revised(talking_bench, constitution, tmp_path):
    _, found = revised(talking_bench, constitution, tmp_path, helpful_samples=3)
    helpful = read_transcripts(tmp_path / HELPFUL)
    assert len(helpful) == 4 * 3
    assert not any(t.rounds for t in helpful)
    assert not {t.problem_id for t in helpful} & {t.problem_id for t in found}


def test_worth_of_the_answers_is_measured_after_every_round(talking_bench, constitution, tmp_path):
    results, found = revised(talking_bench, constitution, tmp_path)
    rounds = [r.metrics["revise/round"] for r in results]
    assert rounds == [*sorted(rounds[:9]), 0.0]
    kind = [r.metrics["gold/kind"] for r in results]
    assert kind[3] >= kind[0]
    gold = talking_bench.task.gold
    problems = {p.id: p for p in talking_bench.problems("train")}
    for transcript in found:
        last = transcript.rounds[-1]
        assert last.gold == gold(problems[transcript.problem_id], last.text)


@pytest.mark.parametrize(
    ("what", "said", "flaw"),
    [
        ("Critique", "  \n\nRevision:", "empty_critique"),
        ("Critique", "and so on " * 60, "cut_critique"),
        ("Revision", "", "empty_revision"),
        ("Revision", "and so on " * 60, "cut_revision"),
    ],
)
def test_unusable_text_leaves_the_answer_and_is_counted(
    talking_bench, constitution, tmp_path, what, said, flaw
):
    talking_bench.ben[what] = said
    results, found = revised(talking_bench, constitution, tmp_path)
    with_ben = [t for t in found if "Ben" in t.question]
    others = [t for t in found if "Ben" not in t.question]
    assert with_ben
    assert others
    for transcript in with_ben:
        assert [made.flaw for made in transcript.rounds] == [flaw, flaw]
        assert transcript.text == transcript.answer
        assert transcript.revisions == []
    assert all(made.flaw is None for t in others for made in t.rounds)
    (counts,) = read_rows(tmp_path / "counts.json", COUNTS)
    assert counts[flaw] == 2 * len(with_ben)
    assert counts["revisions"] == 2 * len(others)
    assert sum(r.metrics.get(f"revise/{flaw}", 0.0) for r in results) == 2 * len(with_ben)


def test_no_revision_is_asked_for_without_a_critique(talking_bench, constitution, tmp_path):
    talking_bench.ben["Critique"] = "   "
    revised(talking_bench, constitution, tmp_path)
    asked = [p for p in talking_bench.asked if p.endswith("Revision:")]
    assert asked
    assert not [p for p in asked if "Ben" in p]


@pytest.mark.parametrize(
    ("said", "flaw"), [("", "empty_answer"), ("and so on " * 60, "cut_answer")]
)
def test_unusable_answer_is_not_revised_and_counted(
    talking_bench, constitution, tmp_path, said, flaw
):
    talking_bench.ben["Answer"] = said
    _, found = revised(talking_bench, constitution, tmp_path)
    with_ben = [t for t in found if "Ben" in t.question]
    assert with_ben
    assert all(t.flaw == flaw and not t.rounds for t in with_ben)
    assert transcript_counts(found)[flaw] == len(with_ben)


def test_revision_that_changes_nothing_is_counted(talking_bench, constitution, tmp_path):
    talking_bench.ben.update({"Answer": "Yes.", "Revision": " Yes."})
    _, found = revised(talking_bench, constitution, tmp_path)
    num_ben = sum("Ben" in t.question for t in found)
    counts = transcript_counts(found)
    assert counts["unchanged_revisions"] == 2 * num_ben
    assert counts["revisions"] == 2 * len(found)


@pytest.mark.parametrize("num_done", [2, 4, 7])
def test_run_that_was_stopped_inside_a_round_goes_on_where_it_was(
    talking_bench, constitution, tmp_path, num_done
):
    _, whole = revised(talking_bench, constitution, tmp_path / "whole")
    stopped = tmp_path / "stopped"
    list(islice(steps(talking_bench, constitution, stopped), num_done))
    (stopped / "pieces" / "round-0" / ".000002.jsonl.writing").write_text('{"half')
    talking_bench.asked.clear()
    _, found = revised(talking_bench, constitution, stopped)
    assert found == whole
    assert len(talking_bench.asked) < 12 + 2 * 2 * 12 + 8
    assert (stopped / HELPFUL).read_bytes() == (tmp_path / "whole" / HELPFUL).read_bytes()


def test_nothing_left_to_revise_is_an_error(talking_bench, constitution, tmp_path):
    with pytest.raises(ConfigError, match="leaves none to revise"):
        revised(talking_bench, constitution, tmp_path, helpful_share=0.99)
