from __future__ import annotations

import pytest

from burnish.data.feedback.kinds import FaultyRowError
from burnish.data.feedback.row_formats import FeedbackFormat, Reading, format_of, read_feedback
from burnish.data.jsonl import Row
from burnish.errors import DataError
from burnish.types import AttributeRating, Comment, Message, Preference, Rating

HH = "\n\nHuman: How far is it?\n\nAssistant:{}"
USER, GOOD, BAD = (
    {"role": "user", "content": "How far is it?"},
    {"role": "assistant", "content": "Ten miles."},
    {"role": "assistant", "content": "No."},
)
AS_TEXT = "\n\nHuman: How far is it?\n\nAssistant:"
PLAIN = {"prompt": "How far is it?", "chosen": "Ten miles.", "rejected": "No."}


def rows(*columns):
    return [Row("own.jsonl", number, row) for number, row in enumerate(columns, start=1)]


def read(*columns, **reading):
    return read_feedback(rows(*columns), Reading(**reading))


def only(*columns, **reading):
    (found,) = read(*columns, **reading).rows
    return found


def pair(*columns, **reading):
    found = only(*columns, **reading)
    assert isinstance(found, Preference)
    return found


DIALOGUES = {
    FeedbackFormat.HH: {"chosen": HH.format(" Ten miles."), "rejected": HH.format(" No.")},
    FeedbackFormat.OPENAI: {
        "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [GOOD],
        "non_preferred_output": [BAD],
    },
    FeedbackFormat.TRL: {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
    FeedbackFormat.IMPLICIT: {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_is_the_same_in_every_format(name):
    assert format_of(rows(DIALOGUES[name])[0]) is name
    as_text = pair(DIALOGUES[name])
    assert as_text.problem.question == AS_TEXT
    assert not as_text.problem.messages
    assert (as_text.chosen, as_text.rejected) == (" Ten miles.", " No.")
    as_chat = pair(DIALOGUES[name], form="chat")
    assert as_chat.problem.messages == (Message("user", "How far is it?"),)
    assert (as_chat.chosen, as_chat.rejected) == ("Ten miles.", "No.")
    assert as_chat.problem.id == as_text.problem.id


def test_several_turns_of_hh_are_kept():
    before = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: And?\n\nAssistant:"
    found = pair({"chosen": f"{before} Yes.", "rejected": f"{before} No."})
    assert found.problem.question == before


def test_a_plain_prompt_stays_as_it_is():
    found = pair(PLAIN)
    assert (found.problem.question, found.chosen) == ("How far is it?", "Ten miles.")


def test_the_messages_of_a_dialogue_may_repeat_the_rows_own_prompt():
    found = pair({"prompt": "How far is it?", "chosen": [USER, GOOD], "rejected": [USER, BAD]})
    assert found.problem.question == AS_TEXT


def test_an_implicit_prompt_ends_between_two_words():
    found = pair({"chosen": "The sky is blue.", "rejected": "The sky is black."})
    assert found.problem.question == "The sky is"
    assert (found.chosen, found.rejected) == (" blue.", " black.")


def test_labels_of_a_pair_are_read():
    plain = pair(PLAIN)
    assert (plain.probability, plain.strength, plain.source, plain.weight) == (1, None, "human", 1)
    said = pair({**PLAIN, "probability": 0.8, "margin": 2, "source": "judge", "weight": 0.5})
    assert (said.probability, said.strength, said.source, said.weight) == (0.8, 2, "judge", 0.5)
    scored = pair({**PLAIN, "score_chosen": 4.5, "score_rejected": 3})
    assert scored.strength == 1.5


def test_a_label_for_the_rejected_answer_turns_the_pair_around():
    found = pair({**PLAIN, "probability": 0.25})
    assert (found.chosen, found.probability) == ("No.", 0.75)


def test_helpsteer_strengths_say_which_answer_is_better():
    columns = {"prompt": "Q", "response_1": "one", "response_2": "two"}
    found = [pair({**columns, "preference_strength": s}) for s in (-2, 0, 3)]
    assert [(f.chosen, f.probability, f.strength) for f in found] == [
        ("one", 1.0, 2.0),
        ("one", 0.5, 0.0),
        ("two", 1.0, 3.0),
    ]


def test_a_ranking_is_all_its_pairs_and_equal_ranks_are_ties():
    rows = read({"prompt": "Q", "responses": ["a", "b", "c"], "ranks": [2, 1, 2]}).rows
    found = [row for row in rows if isinstance(row, Preference)]
    assert [(f.chosen, f.rejected, f.probability, f.strength) for f in found] == [
        ("b", "a", 1.0, 1.0),
        ("a", "c", 0.5, 0.0),
        ("b", "c", 1.0, 1.0),
    ]
    assert {f.ranking for f in found} == {"own.jsonl:1"}


def test_answers_that_are_judged_alone():
    asked = {"prompt": "Q", "response": "A"}
    good = only({"prompt": "Q", "completion": "A", "label": True})
    assert isinstance(good, Rating)
    assert good.rating == 1
    rated = only({**asked, "rating": 4, "rater": 7})
    assert isinstance(rated, Rating)
    assert (rated.rating, rated.rater) == (3, "7")
    steered = only({**asked, "helpfulness": 3, "correctness": None, "verbosity": 1})
    assert isinstance(steered, AttributeRating)
    assert steered.values == {"helpfulness": 3.0, "correctness": None, "verbosity": 1.0}
    own = only({**asked, "attributes": {"tone": 2}})
    assert isinstance(own, AttributeRating)
    assert own.values == {"tone": 2.0}
    words = only({**asked, "comment": "Too short."})
    assert isinstance(words, Comment)
    assert words.comment == "Too short."


OTHER = [{"role": "user", "content": "How near is it?"}]
FAULTS = {
    "identical_answers": [
        {**PLAIN, "rejected": "Ten miles. "},
        {"chosen": [USER, GOOD], "rejected": [USER, GOOD]},
        {"prompt": "Q", "responses": ["a", "a"], "ranks": [1, 2]},
    ],
    "empty_answer": [
        {**PLAIN, "rejected": "  "},
        {"chosen": HH.format(" Ten miles."), "rejected": HH.format("")},
        {"prompt": "Q", "response": "", "rating": 3},
    ],
    "prompts_differ": [
        {"chosen": [USER, GOOD], "rejected": [*OTHER, BAD]},
        {"prompt": "How near is it?", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"chosen": HH.format(" Ten miles."), "rejected": "\n\nHuman: Why?\n\nAssistant: No."},
        {"chosen": "Blue it is.", "rejected": "Green it is."},
    ],
    "out_of_scale": [
        {"prompt": "Q", "response": "A", "rating": 6},
        {"prompt": "Q", "response": "A", "rating": 2.5},
        {"prompt": "Q", "response": "A", "helpfulness": 5},
        {**PLAIN, "probability": 1.5},
        {**PLAIN, "margin": -1},
        {"prompt": "Q", "response_1": "a", "response_2": "b", "preference_strength": 4},
    ],
}
BAD_ROWS = [(fault, row) for fault, found in FAULTS.items() for row in found]


@pytest.mark.parametrize(("fault", "row"), BAD_ROWS)
def test_a_fault_stops_with_its_place_or_is_skipped_and_counted(fault, row):
    with pytest.raises(FaultyRowError, match=r"^own\.jsonl:1: ") as caught:
        read(row)
    assert caught.value.fault == fault
    found = read(row, bad_rows="skip")
    assert found.rows == ()
    assert found.skipped == {fault: 1}


def test_an_empty_comment_is_always_skipped_and_counted():
    rated = {"prompt": "Q", "response": "A", "comment": "Fine."}
    found = read(rated, {**rated, "comment": " "})
    assert len(found.rows) == 1
    assert found.skipped == {"no_label": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "Q", "answer": "A"}, "no feedback in the columns"),
        ({**PLAIN, "chosen": 3}, '"chosen" is a number; it must be a string'),
        ({**DIALOGUES[FeedbackFormat.OPENAI], "input": []}, '"input" is a list'),
        (
            {**DIALOGUES[FeedbackFormat.OPENAI], "input": {"messages": [USER], "tools": [1]}},
            '"tools" is not empty',
        ),
        ({"prompt": "Q", "completion": "A", "label": "yes"}, "expected true"),
        ({"prompt": "Q", "response": "A", "rating": "4"}, '"rating" is a string'),
        ({**PLAIN, "weight": 0}, "must be more than 0"),
        ({"prompt": [GOOD], "chosen": [GOOD], "rejected": [BAD]}, "no user message"),
        ({"chosen": [USER], "rejected": [USER]}, "ends with the user"),
        ({"prompt": "Q", "responses": ["a"], "ranks": [1, 2]}, "lists of one length"),
    ],
)
def test_a_row_that_is_written_wrongly_always_stops(row, message):
    with pytest.raises(DataError, match=message) as caught:
        read(row, bad_rows="skip")
    assert str(caught.value).startswith("own.jsonl:1: ")


def test_a_file_has_rows_of_one_format():
    with pytest.raises(DataError, match=r"own\.jsonl:2: the row's format is rating, but line 1 is"):
        read(PLAIN, {"prompt": "Q", "response": "A", "rating": 3})


def preferences(found):
    return [(f.chosen, f.rejected, f.source) for f in found.rows if isinstance(f, Preference)]


FIELDS = {"prompt": "Q", "response1": "a", "response2": "b", "response3": "c"}


def test_records_of_argilla_hold_what_each_annotator_said():
    answers = [{"value": "response2", "user_id": "u1"}, {"value": "response1", "user_id": "u2"}]
    record = {"id": "1", "fields": FIELDS, "responses": {"best": answers}, "suggestions": {}}
    assert format_of(rows(record)[0]) is FeedbackFormat.ARGILLA
    assert preferences(read(record)) == [
        ("b", "a", "user u1"),
        ("b", "c", "user u1"),
        ("a", "b", "user u2"),
        ("a", "c", "user u2"),
    ]


def test_flattened_records_of_argilla_leave_out_what_was_discarded():
    record = {
        **FIELDS,
        "order.responses": [["response3", "response1", "response2"], ["response1"]],
        "order.responses.users": ["u1", "u2"],
        "order.responses.status": ["submitted", "discarded"],
    }
    assert preferences(read(record)) == [
        ("a", "b", "user u1"),
        ("c", "a", "user u1"),
        ("c", "b", "user u1"),
    ]


def test_questions_of_argilla_about_one_answer_are_ratings_attributes_and_comments():
    responses = {
        "clarity": [{"value": 4, "user_id": "u1"}, {"value": 2, "user_id": "u2"}],
        "truth": [{"value": 3, "user_id": "u1"}],
        "why": [{"value": "Clear.", "user_id": "u1"}],
    }
    fields = {"instruction": "Q", "response": "a"}
    found = read({"fields": fields, "responses": responses}).rows
    ratings = [(f.rating, f.rater) for f in found if isinstance(f, Rating)]
    assert ratings == [(3, "u1"), (1, "u2"), (2, "u1")]
    assert [f.comment for f in found if isinstance(f, Comment)] == ["Clear."]
    assert [f.values for f in found if isinstance(f, AttributeRating)] == [
        {"clarity": 3.0, "truth": 3.0}
    ]


def test_records_that_nobody_answered_are_counted():
    found = read(
        {"fields": FIELDS, "responses": {"best": [{"value": "response2", "user_id": "u"}]}},
        {"fields": FIELDS, "responses": {}},
    )
    assert len(found.rows) == 2
    assert found.skipped == {"no_label": 1}
