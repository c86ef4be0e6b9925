from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from burnish.errors import ModelError
from burnish.models.config import LoraConfig
from burnish.models.reward_head import HEAD_FILE, LabelScale, RewardHead
from burnish.models.reward_model import load_reward_model, start_reward_model
from burnish.models.tiny import Family, byte_fallback_tokenizer, tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.types import Example

FAMILIES = ("llama", "qwen2", "qwen3", "gemma3", "gpt2")
ONE = RewardHead("comparisons", ("reward",))
SHORT, LONG = (9, 10, 11, 1), (5, 6, 7, 8, 9, 10, 12, 13, 1)


def model(family: Family = "llama", head=ONE, **settings):
    torch.manual_seed(3)
    return start_reward_model(tiny_model(family), head, compute_dtype=torch.float32, **settings)


def answer(ids, *, prompt=0):
    """The tokens up to the one that is read, and one more."""
    flags = (False,) * prompt + (True,) * (len(ids) - prompt + 1)
    return Example("p", (*ids, 1), flags)


def batch(*rows, prompt=0):
    return TokenBatch.collate([answer(ids, prompt=prompt) for ids in rows])


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_other_tools_load_a_saved_reward_model_and_agree_with_it(family, tmp_path):
    ours = model(family, RewardHead("attributes", ("good", "short")))
    ours.save(tmp_path / "saved")
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    logits = [theirs(input_ids=torch.tensor([ids])).logits[0] for ids in (SHORT, LONG)]
    torch.testing.assert_close(
        ours.scores(batch(SHORT, LONG)), torch.stack(logits), atol=1e-5, rtol=1e-4
    )
    assert theirs.config.id2label == {0: "good", 1: "short"}


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_neither_padding_nor_the_token_after_the_answer_is_read(family):
    ours = model(family)
    alone, beside = ours.scores(batch(SHORT)), ours.scores(batch(LONG, SHORT))
    torch.testing.assert_close(beside[1:], alone, atol=1e-5, rtol=1e-4)
    tokens = batch(LONG, SHORT)
    changed = tokens.token_ids.masked_fill(~tokens.is_real, 17)
    changed[0, len(LONG)] = changed[1, len(SHORT)] = 23
    torch.testing.assert_close(ours.scores(replace(tokens, token_ids=changed)), beside)


@torch.no_grad()
def test_the_last_token_of_the_answer_is_read_even_where_it_is_padding():
    ours = model()
    pad = ours.tokenizer.pad_token_id
    assert isinstance(pad, int)
    assert not torch.allclose(ours.scores(batch((*SHORT, pad))), ours.scores(batch(SHORT)))


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_answers_that_share_their_prompt_score_as_they_do_alone(family):
    ours = model(family)
    rows = ((5, 6, 7, 8, 1), (5, 6, 7, 9, 10, 1), (5, 6, 7, 1))
    shared = ours.scores(batch(*rows, prompt=3))
    alone = torch.cat([ours.scores(batch(row, prompt=3)) for row in rows])
    torch.testing.assert_close(shared, alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_head_of_zeros_says_nothing_and_a_random_one_little():
    tokens = batch(SHORT, LONG)
    assert model(head_start="zero").scores(tokens).tolist() == [[0.0], [0.0]]
    several = model(head=RewardHead("attributes", tuple("abcdefgh")))
    weight = several.network.get_parameter("score.weight")
    assert weight.std().item() == pytest.approx(1 / math.sqrt(33), rel=0.15)


def test_gradients_reach_head_and_backbone():
    ours = model()
    ours.scores(batch(SHORT, LONG)).sum().backward()
    named = ours.network.named_parameters()
    assert [n for n, p in named if p.grad is None] == [
        "label_scale.raw",
        "label_scale.shift",
        "label_scale.tie",
    ]


RATED = RewardHead(
    "ratings",
    ("reward",),
    thresholds=(-1.3, 0.0, 1.1),
    raters=("ann", "bob"),
    strictness=(0.0, 0.0),
)


def test_what_was_learnt_about_labels_is_saved(tmp_path):
    ours = model(head=RATED)
    with torch.no_grad():
        ours.scale.raw.copy_(torch.tensor([-1.0, 0.3, 0.8]))
        ours.scale.shift.copy_(torch.tensor([0.5, -0.1]))
    ours.save(tmp_path / "saved")
    again = load_reward_model(tmp_path / "saved")
    assert again.head == RATED
    for name, value in ours.scale.state_dict().items():
        torch.testing.assert_close(again.scale.state_dict()[name], value)


@torch.no_grad()
def test_thresholds_rise_and_move_with_the_strictness_of_a_rater():
    scale = LabelScale(RATED)
    even = scale.thresholds(["ann", "who?"], RATED.raters)
    torch.testing.assert_close(even[0], even[1])
    torch.testing.assert_close(even[0], torch.tensor([-1.3, 0.0, 1.1]))
    scale.shift.copy_(torch.tensor([0.5, -0.1]))
    moved = scale.thresholds(["bob", "who?", "ann"], RATED.raters)
    torch.testing.assert_close(moved[0] - even[0], torch.full((3,), -0.3))
    torch.testing.assert_close(moved[1], even[0])
    torch.testing.assert_close(moved[2] - even[0], torch.full((3,), 0.3))


def test_scores_are_told_in_the_units_of_labels():
    head = RewardHead("attributes", ("good", "short"), means=(2.0, 1.0), deviations=(0.5, 3.0))
    found = model(head=head).in_label_units(torch.tensor([[1.0, -1.0]]))
    assert found.tolist() == [[2.5, -2.0]]
    assert model().in_label_units(torch.tensor([[1.5]])).tolist() == [[1.5]]


@torch.no_grad()
def test_an_adapter_is_trained_with_the_head_and_saved_in_the_weights(tmp_path):
    ours = model(lora=LoraConfig(rank=4))
    trained = {name for name, p in ours.network.named_parameters() if p.requires_grad}
    others = {name for name in trained if ".lora_" not in name}
    assert others == {"score.weight", "label_scale.raw", "label_scale.shift", "label_scale.tie"}
    for name, parameter in ours.network.named_parameters():
        if ".lora_" in name:
            parameter += 0.05 * torch.randn_like(parameter)
    scores = ours.scores(batch(SHORT, LONG))
    ours.save(tmp_path / "saved")
    again = load_reward_model(tmp_path / "saved").scores(batch(SHORT, LONG))
    torch.testing.assert_close(again, scores, rtol=0, atol=1e-5)


def test_what_is_no_reward_model_is_refused(tmp_path):
    tiny_model("llama").save(tmp_path / "policy")
    with pytest.raises(ModelError, match=r"there is no reward_model\.json in it"):
        load_reward_model(tmp_path / "policy")
    model().save(tmp_path / "saved")
    about = json.loads((tmp_path / "saved" / HEAD_FILE).read_text())
    for broken, message in (
        ({**about, "tokenizer": "other"}, "its tokenizer is not the one"),
        ({**about, "head": {**about["head"], "kind": "guesses"}}, "cannot be read"),
        ({**about, "scale": {"raw": []}}, "does not fit its head"),
        (
            {**about, "head": {**about["head"], "outputs": ["a", "b"]}},
            "no classifier with 2 outputs",
        ),
    ):
        (tmp_path / "saved" / HEAD_FILE).write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(ModelError, match=message):
            load_reward_model(tmp_path / "saved")


def test_a_policy_with_another_tokenizer_is_refused():
    ours = model()
    ours.require_tokenizer(ours.tokenizer, owner="the policy")
    with pytest.raises(ModelError, match="is not that of the policy"):
        ours.require_tokenizer(byte_fallback_tokenizer(), owner="the policy")
