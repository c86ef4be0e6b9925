from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from burnish.errors import ModelError
from burnish.models.config import LoraConfig
from burnish.models.process_reward_model import (
    HEAD_FILE,
    HeadKind,
    ProcessRewardModel,
    fingerprint,
    load_process_reward,
    start_process_reward,
)
from burnish.models.step_batch import StepBatch, reading_of_prefix, reading_of_steps
from burnish.models.tiny import Family, byte_level_tokenizer, tiny_model
from burnish.models.trimming import trim
from burnish.types import SteppedTokens

FAMILIES: tuple[Family, ...] = ("llama", "qwen2", "qwen3", "gemma3", "gpt2")
HEADS: tuple[HeadKind, ...] = ("hidden", "vocabulary")
SHORT = SteppedTokens("p", (2, 40, 41), ((9, 10, 11), (12, 13)))
LONG = SteppedTokens("q", (2, 50), ((5, 6, 7, 8, 9, 10), (12, 13, 14), (15,)))
SIBLING = SteppedTokens("p", (2, 40, 41), ((9, 10, 11), (60, 61, 62, 63)))


def trained(family: Family = "llama", head: HeadKind = "hidden") -> ProcessRewardModel:
    """A model whose head is not zero any more."""
    model = start_process_reward(tiny_model(family), head=head, compute_dtype=torch.float32)
    return with_random_head(model)


def with_random_head(model: ProcessRewardModel) -> ProcessRewardModel:
    head = model.network.get_submodule("value_head")
    assert isinstance(head, nn.Linear)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        head.weight.normal_(std=0.3 if model.kind == "hidden" else 0.005)
        head.bias.fill_(0.1 if model.kind == "hidden" else 0.5)
    return model


@torch.no_grad()
def step_values(model: ProcessRewardModel, *solutions: SteppedTokens) -> list[float]:
    readings = [reading_of_steps(s, eos_id=model.eos_id) for s in solutions]
    return model.values(model.scores(StepBatch.collate(readings))).tolist()


@torch.no_grad()
def prefix_values(model: ProcessRewardModel, *prefixes: SteppedTokens) -> list[float]:
    readings = [reading_of_prefix(s, eos_id=model.eos_id) for s in prefixes]
    return model.values(model.scores(StepBatch.collate(readings))).tolist()


def prefixes_of(solution: SteppedTokens) -> list[SteppedTokens]:
    return [
        replace(solution, step_ids=solution.step_ids[: k + 1])
        for k in range(len(solution.step_ids))
    ]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_one_pass_gives_the_values_of_all_prefixes(family, head):
    model = trained(family, head)
    whole = step_values(model, LONG)
    one_by_one = [v for prefix in prefixes_of(LONG) for v in prefix_values(model, prefix)]
    assert whole == pytest.approx(one_by_one, abs=1e-5)
    assert len(set(whole)) == 3


@pytest.mark.parametrize("family", FAMILIES)
def test_siblings_that_share_their_path_have_the_values_that_they_have_alone(family):
    model = trained(family)
    alone = prefix_values(model, SHORT) + prefix_values(model, SIBLING)
    assert prefix_values(model, SHORT, SIBLING) == pytest.approx(alone, abs=1e-5)
    steps_alone = step_values(model, SHORT) + step_values(model, SIBLING)
    assert step_values(model, SHORT, SIBLING) == pytest.approx(steps_alone, abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_is_never_read(family):
    model = trained(family)
    alone = step_values(model, SHORT)
    assert step_values(model, LONG, SHORT)[3:] == pytest.approx(alone, abs=1e-5)
    readings = [reading_of_steps(s, eos_id=model.eos_id) for s in (LONG, SHORT)]
    batch = StepBatch.collate(readings)
    tokens = batch.tokens
    filled = replace(tokens, token_ids=tokens.token_ids.masked_fill(~tokens.is_real, 17))
    with torch.no_grad():
        other = model.values(model.scores(replace(batch, tokens=filled)))
    assert other.tolist()[3:] == pytest.approx(alone, abs=1e-5)


def test_the_last_real_token_is_read_even_where_it_is_the_padding_token():
    model = trained()
    pad = model.tokenizer.pad_token_id
    assert isinstance(pad, int)
    padded = replace(SHORT, step_ids=((9, 10, 11), (12, pad)))
    shorter = replace(SHORT, step_ids=((9, 10, 11), (12,)))
    assert step_values(model, padded)[1] != pytest.approx(step_values(model, shorter)[1], abs=1e-3)


def test_a_closed_solution_has_the_value_of_the_open_one():
    model = trained()
    closed = replace(SHORT, step_ids=(*SHORT.step_ids[:-1], (*SHORT.step_ids[-1], model.eos_id)))
    only_closed = replace(SHORT, step_ids=(*SHORT.step_ids, (model.eos_id,)))
    last = step_values(model, SHORT)[-1]
    assert step_values(model, closed) == pytest.approx(step_values(model, SHORT), abs=1e-6)
    assert prefix_values(model, closed, only_closed) == pytest.approx([last, last], abs=1e-6)
    assert step_values(model, only_closed)[1:] == pytest.approx([last, last], abs=1e-6)


def test_the_bare_question_has_a_value_read_at_its_last_token():
    model = trained()
    question = replace(SHORT, step_ids=())
    as_step = SteppedTokens("p", SHORT.prompt_ids[:-1], (SHORT.prompt_ids[-1:],))
    assert prefix_values(model, question) == pytest.approx(step_values(model, as_step), abs=1e-6)


@torch.no_grad()
def test_the_hidden_head_is_a_sigmoid_of_the_last_state_and_the_other_a_line_of_the_logits():
    start = tiny_model("llama")
    ids = torch.tensor([SHORT.token_ids])
    output = start.network(ids, output_hidden_states=True)
    for kind in HEADS:
        features = output.hidden_states[-1] if kind == "hidden" else output.logits
        model = trained(head=kind)
        head = model.network.get_submodule("value_head")
        score = features[0, -1] @ head.get_parameter("weight")[0] + head.get_parameter("bias")[0]
        expected = score.sigmoid() if kind == "hidden" else score
        batch = StepBatch.collate([reading_of_prefix(SHORT, eos_id=model.eos_id)])
        found = model.predictions(model.scores(batch))
        torch.testing.assert_close(found, expected[None], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("head", HEADS)
def test_values_lie_between_0_and_1_and_start_undecided(head):
    fresh = start_process_reward(tiny_model("llama"), head=head, compute_dtype=torch.float32)
    assert set(step_values(fresh, SHORT, LONG)) == {0.5 if head == "hidden" else 0.0}
    model = trained(head=head)
    layer = model.network.get_submodule("value_head")
    with torch.no_grad():
        layer.get_parameter("weight").mul_(1e4)
    found = step_values(model, SHORT, LONG, SIBLING)
    assert all(0.0 <= value <= 1.0 for value in found)
    assert {min(found), max(found)} == {0.0, 1.0}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_comes_back_and_its_backbone_loads_as_a_language_model(
    family, head, tmp_path
):
    model = trained(family, head)
    model.save(tmp_path / "saved")
    again = load_process_reward(tmp_path / "saved")
    assert again.kind == head
    assert step_values(again, SHORT, LONG) == step_values(model, SHORT, LONG)
    loaded: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "saved", output_loading_info=True)
    theirs, report = loaded
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert type(theirs) is type(model.network)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_everything_that_is_in_training(family, head):
    model = trained(family, head)
    batch = StepBatch.collate([reading_of_steps(s, eos_id=model.eos_id) for s in (SHORT, LONG)])
    model.scores(batch).sum().backward()
    trainable = [p for p in model.network.parameters() if p.requires_grad]
    assert all(parameter.grad is not None for parameter in trainable)


@pytest.mark.parametrize("head", HEADS)
def test_with_an_adapter_that_and_the_head_are_trained_and_saved_as_plain_weights(head, tmp_path):
    model = with_random_head(
        start_process_reward(
            tiny_model("llama"), head=head, compute_dtype=torch.float32, lora=LoraConfig(rank=4)
        )
    )
    names = {name for name, p in model.network.named_parameters() if p.requires_grad}
    assert {n for n in names if ".lora_" not in n} == {"value_head.weight", "value_head.bias"}
    assert not [name for name in names if name.startswith("value_head.lora")]
    before = step_values(model, SHORT, LONG)
    with torch.no_grad():
        for name, parameter in model.network.named_parameters():
            if ".lora_" in name:
                parameter += 0.05 * torch.randn_like(parameter)
    moved = step_values(model, SHORT, LONG)
    assert moved != pytest.approx(before, abs=1e-3)
    model.save(tmp_path / "saved")
    again = load_process_reward(tmp_path / "saved", lora=LoraConfig(rank=2))
    assert step_values(again, SHORT, LONG) == pytest.approx(moved, abs=1e-5)


def test_another_tokenizer_than_the_policys_is_refused():
    model = trained()
    model.require_tokenizer(tiny_model("llama").tokenizer, owner="the policy")
    with pytest.raises(ModelError, match="is not that of the policy"):
        model.require_tokenizer(byte_level_tokenizer(300, starts_with_bos=True), owner="the policy")


def test_a_padding_token_of_ones_own_changes_no_fingerprint():
    tokenizer = tiny_model("llama").tokenizer
    before = fingerprint(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "<other>"})
    vocabulary = tokenizer.get_vocab()
    assert "<other>" in vocabulary
    tokenizer.pad_token = "<pad>"
    assert fingerprint(tokenizer) != before  # now it is a token like any other


def test_a_folder_whose_tokenizer_was_exchanged_is_refused(tmp_path):
    trained().save(tmp_path / "saved")
    byte_level_tokenizer(300).save_pretrained(tmp_path / "saved")
    with pytest.raises(ModelError, match="not the one that it was trained with"):
        load_process_reward(tmp_path / "saved")


def test_a_language_model_is_no_value_model(tmp_path):
    tiny_model("llama").save(tmp_path / "policy")
    with pytest.raises(ModelError, match=f"there is no {HEAD_FILE}"):
        load_process_reward(tmp_path / "policy")


def test_a_damaged_head_is_an_error_that_names_the_file(tmp_path):
    trained().save(tmp_path / "saved")
    (tmp_path / "saved" / HEAD_FILE).write_bytes(b"\x10" * 40)
    with pytest.raises(ModelError, match=rf"{HEAD_FILE}: cannot be read"):
        load_process_reward(tmp_path / "saved")


def test_a_trimmed_vocabulary_is_refused():
    start = tiny_model("llama")
    tokenizer, trimmed = trim(start.network, start.tokenizer, ["Ada has 12 apples"])
    with pytest.raises(ModelError, match="trimmed"):
        start_process_reward(
            replace(start, tokenizer=tokenizer, trimmed=trimmed),
            head="hidden",
            compute_dtype=torch.float32,
        )
