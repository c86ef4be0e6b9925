"""From a problem to tokens and log-probabilities: one boundary, one alignment, one template."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.rows import RowsTask
from burnish.errors import DataError
from burnish.models.policy import Policy
from burnish.models.tiny import byte_level_tokenizer, tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.types import Message, Problem

TASK = ArithmeticTask(train_size=3, dev_size=1, test_size=1)
PROBLEM = TASK.problems("train")[0]
TALK = Problem(
    id="talk",
    question="How many?",
    answer="3",
    rationale="Three.",
    messages=(Message("system", "Be brief."), Message("user", "How many?")),
)
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


def renderer(tokenizer: PreTrainedTokenizerFast, *, limit: int = 300) -> Renderer:
    return Renderer(TASK, tokenizer, max_prompt_tokens=limit)


def chat_tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    tokenizer = byte_level_tokenizer(starts_with_bos=True)
    tokenizer.chat_template = template
    return tokenizer


def plain(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[int, ...]:
    return tuple(tokenizer.encode(text, add_special_tokens=False))


@pytest.mark.parametrize("starts_with_bos", [True, False])
def test_prompt_begins_with_bos_once_if_the_tokenizer_puts_one(starts_with_bos):
    tokenizer = byte_level_tokenizer(starts_with_bos=starts_with_bos)
    ids = renderer(tokenizer).prompt_ids(PROBLEM)
    assert ids.count(tokenizer.bos_token_id) == starts_with_bos
    assert ids == (tokenizer.bos_token_id,) * starts_with_bos + plain(
        tokenizer, TASK.prompt(PROBLEM)
    )


def test_prompt_ends_without_eos_also_where_the_tokenizer_adds_one_to_texts():
    from tokenizers.processors import TemplateProcessing

    tokenizer = byte_level_tokenizer(vocab_size=400)
    eos = tokenizer.eos_token_id
    assert isinstance(eos, int)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", eos)]
    )
    assert tokenizer.encode("a")[-1] == eos
    assert eos not in renderer(tokenizer).prompt_ids(PROBLEM)


def test_prompt_of_training_is_the_prompt_of_sampling_whatever_follows():
    """Tokenised apart: a target that would merge with the prompt's end does not move it."""
    tokenizer = byte_level_tokenizer()
    prompt = renderer(tokenizer).prompt_ids(PROBLEM)
    for target in ("\nx", " 12", "12 - 5"):
        example = renderer(tokenizer).imitation(PROBLEM, target)
        assert example.token_ids[: len(prompt)] == prompt
        response = (*plain(tokenizer, target), tokenizer.eos_token_id)
        assert example.token_ids[len(prompt) :] == response


def test_boundary_would_move_if_both_were_tokenised_together():
    """So that the test above can fail."""
    tokenizer = byte_level_tokenizer()
    task = RowsTask(template="{question} ")
    problem = Problem("p", "Ada has", "5", rationale="apples")
    apart = Renderer(task, tokenizer, max_prompt_tokens=99).imitation(problem, "apples")
    together = plain(tokenizer, task.prompt(problem) + "apples")
    assert apart.token_ids[:-1] != together
    assert tokenizer.decode(list(apart.token_ids[:-1])) == tokenizer.decode(list(together))


def test_target_and_eos_are_learnt_and_nothing_of_the_prompt():
    tokenizer = byte_level_tokenizer(starts_with_bos=True)
    example = renderer(tokenizer).example(PROBLEM)
    learnt = [i for i, flag in zip(example.token_ids, example.is_action, strict=True) if flag]
    assert example.problem_id == PROBLEM.id
    assert learnt[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(learnt[:-1]) == TASK.target(PROBLEM)
    assert sum(example.is_action) + len(renderer(tokenizer).prompt_ids(PROBLEM)) == len(
        example.token_ids
    )


def test_last_prompt_token_predicts_the_first_action():
    policy = Policy(tiny_model("gpt2"), compute_dtype=torch.float32)
    assert isinstance(policy.tokenizer, PreTrainedTokenizerFast)
    render = renderer(policy.tokenizer)
    example, num_prompt = render.example(PROBLEM), len(render.prompt_ids(PROBLEM))
    batch = TokenBatch.collate([example])
    first = int(batch.action_mask[0].int().argmax())

    logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
    alone = policy.network(torch.tensor([example.token_ids[:num_prompt]])).logits[0, -1]

    assert first == num_prompt - 1
    expected = alone.log_softmax(-1)[example.token_ids[num_prompt]]
    torch.testing.assert_close(logp[0, first], expected, rtol=0, atol=1e-5)


def test_prompt_over_the_limit_is_an_error_and_never_cut():
    tokenizer = byte_level_tokenizer()
    size = len(renderer(tokenizer).prompt_ids(PROBLEM))
    assert len(renderer(tokenizer, limit=size).prompt_ids(PROBLEM)) == size
    with pytest.raises(DataError) as caught:
        renderer(tokenizer, limit=size - 1).example(PROBLEM)
    message = str(caught.value)
    assert PROBLEM.id in message
    assert f"{size} tokens" in message
    assert f"limit of {size - 1}" in message


def test_conversation_is_rendered_by_the_chat_template_with_one_bos():
    tokenizer = chat_tokenizer()
    ids = renderer(tokenizer).prompt_ids(TALK)
    assert tokenizer.decode(list(ids)) == "<bos>[system]Be brief.[user]How many?[assistant]"
    assert ids.count(tokenizer.bos_token_id) == 1


def test_conversation_without_a_template_is_an_error():
    with pytest.raises(DataError, match=r"'talk'.*no chat template.*model\.chat_template"):
        renderer(chat_tokenizer(None)).prompt_ids(TALK)


@pytest.mark.parametrize(
    "template", ["{{ raise_exception('no system role') }}", "{% for m in messages %}"]
)
def test_template_that_refuses_a_conversation_is_an_error_of_that_row(template):
    with pytest.raises(DataError, match=r"'talk'.*refuses"):
        renderer(chat_tokenizer(template)).prompt_ids(TALK)


def test_plain_problem_needs_no_template():
    plain_problem = replace(TALK, messages=())
    assert renderer(chat_tokenizer(None)).prompt_ids(plain_problem)
