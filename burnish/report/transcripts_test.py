from __future__ import annotations

from burnish.report.text_diff import Piece, text_diff
from burnish.report.transcripts import change, transcript_splits


def round_row(text: str, revision: str, **settings):
    return {
        "principle": "no_insults",
        "critique_request": "What insults?",
        "critique": "It is rude.",
        "revision_request": "Mend it.",
        "revision": revision,
        "text": text,
        "flaw": None,
        "gold": {"reward": 0.75},
    } | settings


def row(*rounds, **settings):
    return {
        "problem_id": "p-1",
        "question": "How many?",
        "answer": "Go away. There are 3.",
        "flaw": None,
        "gold": {"reward": 0.25},
        "rounds": [*rounds],
    } | settings


def test_change_shows_both_texts_in_one():
    diff = text_diff("Go away. There are 3 cups.", "Hi Ben. There are 4 cups.")
    found = change(diff)
    assert "".join(p.text for p in found if p.mark != "added") == "Go away. There are 3 cups."
    assert "".join(p.text for p in found if p.mark != "removed") == "Hi Ben. There are 4 cups."
    assert found[0].mark == "removed"
    assert Piece("added", "4") in found


def test_rounds_are_compared_with_the_answer_as_it_was_before():
    found = (
        round_row("There are 3.", "There are 3."),
        round_row("Hi. There are 3.", "Hi. There are 3."),
    )
    (split,) = transcript_splits({"test": [row(*found)]})
    (answer,) = split.shown
    assert [step.number for step in answer.steps] == [1, 2]
    assert answer.steps[0].pieces[0] == Piece("removed", "Go away. ")
    assert answer.steps[1].pieces == (Piece("added", "Hi. "), Piece("kept", "There are 3."))
    assert answer.rewards == ("0.25", "0.75", "0.75")
    assert answer.steps[0].principle == "No insults"


def test_unused_text_is_explained_and_the_next_round_starts_from_what_stayed():
    cut = round_row("Go away. There are 3.", "", flaw="cut_critique")
    good = round_row("There are 3.", "There are 3.")
    (split,) = transcript_splits({"test": [row(cut, good)]})
    (answer,) = split.shown
    assert "ran to the token limit" in answer.steps[0].flaw
    assert answer.steps[0].pieces == ()
    assert answer.steps[1].pieces[0] == Piece("removed", "Go away. ")
    assert answer.is_flawed
    assert split.counts == ((1, "the critique ran to the token limit, so the answer stays"),)


def test_revision_to_the_letter_is_told():
    same = round_row("Go away. There are 3.", "Go away. There are 3.")
    (split,) = transcript_splits({"test": [row(same)]})
    assert split.shown[0].steps[0].is_same


def test_held_out_problems_stand_first_and_flawed_ones_are_shown_beyond_the_limit():
    plain = [row(problem_id=f"p-{n}") for n in range(30)]
    flawed = row(problem_id="bad", flaw="empty_answer")
    test, train = transcript_splits({"train": plain, "test": [*plain, flawed]})
    assert test.name == "Held-out problems"
    assert test.total == 31
    assert test.shown[-1].problem_id == "bad"
    assert len(test.shown) == 17
    assert len(train.shown) == 8
    assert train.counts == ()


def test_rows_without_gold_or_rounds_are_shown_as_far_as_they_go():
    (split,) = transcript_splits({"train": [{"problem_id": "p", "rounds": "broken"}]})
    assert split.shown[0].rewards == ()
    assert split.shown[0].steps == ()


def test_run_without_critiques_has_none():
    assert transcript_splits({}) == []
