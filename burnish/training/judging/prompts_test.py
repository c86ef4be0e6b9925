from __future__ import annotations

import pytest

from burnish.training.judging.prompts import (
    PairExample,
    PairPromptConfig,
    ScoreExample,
    ScorePromptConfig,
)


def test_pair_is_shown_under_the_principle():
    text = PairPromptConfig().text("What is {first}?\n", (" A {second} ", "B"), "Which is kinder?")
    assert text == ("Which is kinder?\nQuestion: What is {first}?\nReply 1: A {second}\nReply 2: B")


def test_examples_stand_before_the_pair_with_reasons_and_option():
    prompt = PairPromptConfig(
        preamble="Compare.",
        examples=(
            PairExample(question="q", first="a", second="b", better=2, reasons="b is right."),
            PairExample(question="r", first="c", second="d", better=1),
        ),
        options=(" X", " Y"),
    )
    assert prompt.text("s", ("e", "f"), "never shown") == (
        "Compare.\n"
        "Question: q\nReply 1: a\nReply 2: b\nReasons: b is right.\nBetter reply: Y\n\n"
        "Question: r\nReply 1: c\nReply 2: d\nBetter reply: X\n\n"
        "Question: s\nReply 1: e\nReply 2: f"
    )


def test_score_is_asked_for_after_the_reply():
    prompt = ScorePromptConfig(examples=(ScoreExample(question="q", reply="a", score=3),))
    assert prompt.text("r", "b") == (
        "How good is the reply, from 1 to 10?\n"
        "Question: q\nReply: a\nScore: 3\n\n"
        "Question: r\nReply: b"
    )
    assert prompt.options == tuple(f" {n}" for n in range(1, 11))


@pytest.mark.parametrize("missing", ["question", "first", "second"])
def test_prompt_that_does_not_show_what_is_judged_is_an_error(missing):
    shown = "{question} {first} {second}".replace(f"{{{missing}}}", "")
    with pytest.raises(ValueError, match=rf"shown: has no \{{{missing}\}}"):
        PairPromptConfig(shown=shown)


def test_several_principles_need_a_place():
    with pytest.raises(ValueError, match=r"preamble: has no \{principle\}"):
        PairPromptConfig(preamble="Compare.", principles=["a", "b"])


def test_score_prompt_without_the_reply_is_an_error():
    with pytest.raises(ValueError, match=r"shown: has no \{reply\}"):
        ScorePromptConfig(shown="{question}")
