from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from burnish.errors import ModelError
from burnish.models.config import LoraConfig
from burnish.models.outcome_verifier import OutcomeVerifier, load_verifier, start_verifier
from burnish.models.tiny import Family, tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.models.trimming import trim
from burnish.types import Example

FAMILIES = ("llama", "qwen2", "qwen3", "gemma3", "gpt2")
SHORT, LONG = (9, 10, 11, 1), (5, 6, 7, 8, 9, 10, 12, 13, 1)


def example(ids: tuple[int, ...]) -> Example:
    return Example("p", ids, (True,) * len(ids))


def batch(*rows: tuple[int, ...]) -> TokenBatch:
    return TokenBatch.collate([example(ids) for ids in rows])


def verifier(family: Family = "llama") -> OutcomeVerifier:
    torch.manual_seed(3)
    return start_verifier(tiny_model(family), compute_dtype=torch.float32)


def pad_id(ours: OutcomeVerifier) -> int:
    found = ours.tokenizer.pad_token_id
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_other_tools_load_a_saved_verifier_and_agree_with_it(family, tmp_path):
    ours = verifier(family)
    ours.save(tmp_path / "saved")
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    tokens = batch(SHORT, LONG)
    padded = tokens.token_ids.masked_fill(~tokens.is_real, pad_id(ours))
    logits = theirs(input_ids=padded, attention_mask=tokens.is_real.long()).logits
    torch.testing.assert_close(logits, ours.logits(tokens), atol=1e-5, rtol=1e-4)
    again = load_verifier(tmp_path / "saved")
    torch.testing.assert_close(again.logits(tokens), ours.logits(tokens))
    assert theirs.config.id2label == {0: "wrong", 1: "correct"}


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_padding_is_never_read(family):
    ours = verifier(family)
    alone, beside = ours.logits(batch(SHORT)), ours.logits(batch(LONG, SHORT))
    torch.testing.assert_close(beside[1:], alone, atol=1e-5, rtol=1e-4)
    tokens = batch(LONG, SHORT)
    other = replace(tokens, token_ids=tokens.token_ids.masked_fill(~tokens.is_real, 17))
    torch.testing.assert_close(ours.logits(other), beside)


@torch.no_grad()
def test_the_last_token_is_read_even_where_it_is_the_padding_token():
    ours = verifier()
    pad = pad_id(ours)
    assert not torch.allclose(ours.logits(batch((*SHORT, pad))), ours.logits(batch(SHORT)))


@torch.no_grad()
def test_the_backbone_is_that_of_the_start_and_the_head_reads_its_last_state():
    start = tiny_model("llama")
    ours = start_verifier(start, compute_dtype=torch.float32)
    hidden = start.network.base_model(torch.tensor([SHORT])).last_hidden_state[:, -1]
    expected = hidden @ ours.network.get_submodule("score").weight.T
    torch.testing.assert_close(ours.logits(batch(SHORT)), expected)


def test_gradients_reach_head_and_backbone():
    ours = verifier()
    ours.logits(batch(SHORT, LONG))[:, 1].sum().backward()
    assert all(p.grad is not None for p in ours.network.parameters())


def test_a_language_model_is_no_verifier(tmp_path):
    tiny_model("llama").save(tmp_path / "policy")
    with pytest.raises(ModelError, match="no classifier with 2 outputs"):
        load_verifier(tmp_path / "policy")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_verifier(tmp_path / "nowhere")


def test_a_trimmed_vocabulary_is_refused():
    start = tiny_model("llama")
    tokenizer, trimmed = trim(start.network, start.tokenizer, ["Ada has 12 apples"])
    with pytest.raises(ModelError, match="trimmed"):
        start_verifier(
            replace(start, tokenizer=tokenizer, trimmed=trimmed), compute_dtype=torch.float32
        )


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_verifier_with_an_adapter_trains_that_and_its_head_and_is_saved_as_a_plain_one(
    family, tmp_path
):
    torch.manual_seed(3)
    ours = start_verifier(tiny_model(family), compute_dtype=torch.float32, lora=LoraConfig(rank=4))
    trained = {name for name, p in ours.network.named_parameters() if p.requires_grad}
    assert {name for name in trained if ".lora_" not in name} == {"score.weight"}
    assert not [name for name in trained if name.startswith("score.lora")]
    before = ours.logits(batch(SHORT, LONG))
    for name, parameter in ours.network.named_parameters():
        if name in trained:
            parameter += 0.05 * torch.randn_like(parameter)
    moved = ours.logits(batch(SHORT, LONG))
    assert not torch.allclose(moved, before, atol=1e-2)
    ours.save(tmp_path / "saved")
    again = load_verifier(tmp_path / "saved")
    torch.testing.assert_close(again.logits(batch(SHORT, LONG)), moved, rtol=0, atol=1e-5)
