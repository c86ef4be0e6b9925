from __future__ import annotations

import pytest
import yaml

from burnish.errors import ConfigError
from burnish.methods.constitutional.dialogue import DialogueConfig
from burnish.models.tiny import byte_fallback_tokenizer
from burnish.types import Message, Problem

PROBLEM = Problem("p", "How many cups?", None)
TEMPLATE = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }} {% endfor %}[now]"
EXEMPLAR = {
    "question": "Q1",
    "answer": "A1",
    "critique_request": "C1?",
    "critique": "C1.",
    "revision_request": "R1?",
    "revision": "R1.",
}


@pytest.fixture
def tokenizer():
    found = byte_fallback_tokenizer()
    found.chat_template = TEMPLATE
    return found


@pytest.fixture
def exemplars(tmp_path) -> str:
    path = tmp_path / "shots.yaml"
    path.write_text(yaml.safe_dump({"exemplars": [EXEMPLAR]}), encoding="utf-8")
    return str(path)


def test_critique_is_asked_of_question_and_answer(tokenizer, constitution):
    dialogue = DialogueConfig(exemplars=None).build(tokenizer)
    ids = dialogue.critique_ids(PROBLEM, "Many {request}. ", constitution.principles[1])
    assert tokenizer.decode(ids, skip_special_tokens=True) == (
        "Question: How many cups?\nReply: Many {request}.\n\n"
        "Critique request: Say which numbers are wrong.\nCritique:"
    )


def test_revision_is_asked_after_the_critique(tokenizer, constitution):
    dialogue = DialogueConfig(exemplars=None).build(tokenizer)
    ids = dialogue.revision_ids(PROBLEM, "Two.", constitution.principles[1], "Not 2 but 3.")
    assert tokenizer.decode(ids, skip_special_tokens=True).endswith(
        "\nCritique: Not 2 but 3.\n\nRevision request: Correct the numbers.\nRevision:"
    )


def test_finished_dialogues_stand_before(tokenizer, constitution, exemplars):
    dialogue = DialogueConfig(exemplars=exemplars).build(tokenizer)
    for ids in (
        dialogue.critique_ids(PROBLEM, "Two.", constitution.principles[1]),
        dialogue.revision_ids(PROBLEM, "Two.", constitution.principles[1], "No."),
    ):
        assert tokenizer.decode(ids, skip_special_tokens=True).startswith(
            "Question: Q1\nReply: A1\n\nCritique request: C1?\nCritique: C1.\n\n"
            "Revision request: R1?\nRevision: R1.\n\nQuestion: How many cups?"
        )


def test_chat_model_is_asked_in_turns(tokenizer, constitution, exemplars):
    dialogue = DialogueConfig(form="chat", exemplars=exemplars).build(tokenizer)
    ids = dialogue.revision_ids(PROBLEM, "Two.", constitution.principles[1], "No.")
    assert tokenizer.decode(ids, skip_special_tokens=True) == (
        "[user] Q1 [assistant] A1 [user] C1? [assistant] C1. [user] R1? [assistant] R1. "
        "[user] How many cups? [assistant] Two. [user] Say which numbers are wrong. "
        "[assistant] No. [user] Correct the numbers. [now]"
    )
    assert dialogue.stop == ()


def test_system_message_of_a_conversation_stays_in_front(tokenizer, constitution, exemplars):
    turns = (Message("system", "Be."), Message("user", "One?"))
    dialogue = DialogueConfig(form="chat", exemplars=exemplars).build(tokenizer)
    problem = Problem("p", "One?", None, messages=turns)
    ids = dialogue.critique_ids(problem, "Two.", constitution.principles[0])
    text = tokenizer.decode(ids, skip_special_tokens=True)
    assert text.startswith("[system] Be. [user] Q1")
    assert "[user] One? [assistant] Two. [user] Say what is asked" in text


@pytest.mark.parametrize(
    ("field", "place"), [("shown", "answer"), ("critique", "request"), ("revision", "request")]
)
def test_template_without_its_place_is_an_error(field, place):
    with pytest.raises(ValueError, match=rf"{field}: has no \{{{place}\}}"):
        DialogueConfig.model_validate({field: "{question}"})


def test_broken_exemplar_is_named_with_its_place(tokenizer, tmp_path):
    path = tmp_path / "shots.yaml"
    path.write_text(yaml.safe_dump({"exemplars": [EXEMPLAR, EXEMPLAR | {"critique": ""}]}))
    with pytest.raises(ConfigError, match=r"shots\.yaml: exemplars\.1\.critique"):
        DialogueConfig(exemplars=str(path)).build(tokenizer)
