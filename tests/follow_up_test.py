from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from burnish.data.follow_up import CorrectionConfig, FollowUp
from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.correction import default_instruction
from burnish.data.tasks.rows import RowsTask
from burnish.errors import ConfigError, DataError
from burnish.models.tiny import byte_level_tokenizer
from burnish.types import Completion, Message, Problem, StopReason

TASK = ArithmeticTask(train_size=3)
(PROBLEM, *_) = TASK.problems("train")
CHAT = Problem("chat", "How many?", "7", messages=(Message("user", "How many?"),))
PLAIN_CHAT = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


def tokenizer(template: str | None = None):
    found = byte_level_tokenizer()
    found.chat_template = template
    return found


def attempt(text: str, stop: StopReason, end: str = "<eos>") -> Completion:
    ids = tokenizer().encode(text + (end if stop is StopReason.EOS else ""))
    zeros = (0.0,) * len(ids)
    return Completion((1,), tuple(ids), zeros, zeros, text, stop)


def follow_up(instruction: str, template: str | None = None) -> FollowUp:
    return FollowUp(RowsTask() if template else TASK, tokenizer(template), instruction)


def text(ids) -> str:
    return str(tokenizer().decode(ids))


def test_instruction_stands_on_lines_of_its_own_in_plain_text():
    assert text(follow_up("Again.").ids(PROBLEM)) == "\nAgain.\n"


def test_question_and_prompt_are_put_in_and_other_braces_stay():
    found = text(follow_up("{question}|{x}|{prompt}").ids(PROBLEM))
    assert found == f"\n{PROBLEM.question}|{{x}}|{TASK.prompt(PROBLEM)}"


@pytest.mark.parametrize("stop", [StopReason.EOS, StopReason.LENGTH])
def test_plain_text_follows_whole_whether_the_attempt_ended_or_was_cut(stop):
    found = follow_up("Again.")
    assert found.after(PROBLEM, attempt("7", stop)) == found.ids(PROBLEM)


def test_conversation_goes_on_as_its_template_says():
    """Prompt, sampled tokens and what follows are together what the template writes."""
    found = follow_up("Again, {question}", PLAIN_CHAT)
    sampled = attempt("It is 7.", StopReason.EOS)
    renderer = Renderer(RowsTask(), tokenizer(PLAIN_CHAT), max_prompt_tokens=100)
    ids = renderer.prompt_ids(CHAT) + sampled.token_ids + found.after(CHAT, sampled)
    assert text(ids) == (
        "[user]How many?<eos>\n[assistant]It is 7.<eos>\n[user]Again, How many?<eos>\n[assistant]"
    )


def test_end_of_turn_is_added_where_the_attempt_was_cut_or_ended_otherwise():
    found = follow_up("Again.", PLAIN_CHAT)
    whole = "<eos>\n[user]Again.<eos>\n[assistant]"
    assert text(found.after(CHAT, attempt("It is", StopReason.LENGTH))) == whole
    assert text(found.after(CHAT, attempt("7", StopReason.EOS, end="<unk>"))) == whole
    assert text(found.after(CHAT, attempt("7", StopReason.EOS))) == whole.removeprefix("<eos>")


def test_template_that_drops_earlier_replies_is_an_error():
    template = PLAIN_CHAT.replace(
        "{{ m.content }}", "{% if m.role == 'user' %}{{ m.content }}{% endif %}"
    )
    with pytest.raises(DataError, match=r"drops the whole first attempt.*model\.chat_template"):
        follow_up("Again.", template).ids(CHAT)


def test_template_that_drops_reasoning_is_an_error():
    template = PLAIN_CHAT.replace("m.content", "m.content.split('</think>')[-1]")
    with pytest.raises(DataError, match="drops the reasoning"):
        follow_up("Again.", template).ids(CHAT)


def test_template_that_rewrites_the_beginning_is_an_error():
    with pytest.raises(DataError, match="writes the beginning of a conversation differently"):
        follow_up("Again.", "{{ messages|length }}" + PLAIN_CHAT).ids(CHAT)


def test_template_whose_generation_prompt_opens_the_reasoning_is_fine():
    template = PLAIN_CHAT.replace("[assistant]{% endif %}", "[assistant]<think>\n{% endif %}")
    assert text(follow_up("Again.", template).ids(CHAT)).endswith("[assistant]<think>\n")


def test_conversation_without_a_template_is_an_error():
    with pytest.raises(DataError, match="no chat template"):
        FollowUp(RowsTask(), tokenizer(), "Again.").ids(CHAT)


@pytest.mark.parametrize("name", ["answer", "rationale", "gold"])
def test_instruction_that_would_be_given_the_answer_is_an_error(name):
    with pytest.raises(ValidationError, match="would tell the model the answer"):
        CorrectionConfig(instruction=f"It is {{{name}}}.")


@pytest.mark.parametrize(
    ("instruction", "answer", "held"),
    [
        ("It is 42.", "42", True),
        ("It is 42.", "42.0", True),
        ("It is 2.5 or so.", "2.5", True),
        ("Pick Paris.", "paris", True),
        ("It is 142.", "42", False),
        ("It is 42.5.", "42", False),
        ("Take a look.", "a", False),
        ("A mistake? Answer a second time.", "A", False),
        ("It is (a).", "A", True),
        ("It is b) after all.", "B", True),
        ("The answer is A.", "A", True),
        ("Was it D?", "d", True),
        ("Was it D?", "C", False),
        ("Give A, B, C, D or E.", "B", False),
        ("Choose (A) or (B).", "B", False),
        ("{question}", "9", False),
        ("Again.", None, False),
    ],
)
def test_instruction_that_holds_the_answer_of_a_problem_is_an_error(instruction, answer, held):
    problem = replace(PROBLEM, question="9 or 10?", answer=answer)
    config = CorrectionConfig(instruction=instruction)
    if held:
        with pytest.raises(ConfigError, match="which is the answer of problem"):
            config.check([problem])
    else:
        config.check([problem])


def test_default_is_two_turns_with_an_instruction_that_fits_the_task():
    config = CorrectionConfig()
    config.check(TASK.problems("train"))
    assert config.turns == 2
    assert config.instruction_for(TASK) == default_instruction("numeric")
    assert config.instruction_for(ArithmeticTask(style="pcot")) == default_instruction("program")


def test_opening_is_where_the_prompt_begins_an_answer_and_nothing_in_a_conversation():
    opening = f'def solution():\n    """{PROBLEM.question}"""\n'
    plain = FollowUp(ArithmeticTask(style="pcot"), tokenizer(), "Again.\n{opening}")
    assert text(plain.ids(PROBLEM)) == f"\nAgain.\nAnswer reasoning:\n{opening}"
    chat = text(follow_up("Again.\n{opening}", PLAIN_CHAT).ids(CHAT))
    assert "Again.<eos>" in chat
