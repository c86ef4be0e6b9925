import copy

import pytest
import torch

from burnish.errors import ModelError
from burnish.models.config import ModelConfig
from burnish.models.loading import LoadedModel, load
from burnish.models.tiny import byte_fallback_tokenizer, tiny_model
from burnish.models.trimming import trim

TEXTS = [
    "Ada has 12 apples and gives 5 of them to Ben.",
    "12 - 5 = 7\nTherefore, the answer is: 7",
    'def solution():\n    """How many apples?"""\n    return 12 - 5',
]
OUTSIDE = "The pencils: naïve 🙂 \t Ω\n\n  minutes <eos"
FAMILIES = ("llama", "qwen2", "qwen3", "gemma3", "gpt2")


def full_model(family):
    if family == "gemma3":
        return tiny_model(family, tokenizer=byte_fallback_tokenizer())
    return tiny_model(family)


def trimmed_model(family):
    full = full_model(family)
    network = copy.deepcopy(full.network)
    tokenizer, trimmed = trim(network, full.tokenizer, TEXTS)
    return full, LoadedModel(network, tokenizer, trimmed)


@pytest.fixture(params=FAMILIES)
def pair(request):
    return trimmed_model(request.param)


def ids_of(model, text):
    return model.tokenizer(text)["input_ids"]


def test_given_texts_have_the_same_tokens(pair):
    full, small = pair
    assert len(small.tokenizer) < len(full.tokenizer)
    for text in TEXTS:
        mapped = small.trimmed.kept_ids[ids_of(small, text)].tolist()
        assert mapped == ids_of(full, text)


def test_text_outside_the_kept_rows_decodes_to_itself(pair):
    full, small = pair
    ids = ids_of(small, OUTSIDE)
    assert len(ids) > len(ids_of(full, OUTSIDE))
    assert max(ids) < len(small.trimmed.kept_ids)
    assert small.tokenizer.decode(ids, skip_special_tokens=True) == OUTSIDE


def test_logits_of_the_kept_rows_equal_the_full_models(pair):
    full, small = pair
    small_ids = torch.tensor([ids_of(small, TEXTS[1])])
    kept = small.trimmed.kept_ids
    with torch.no_grad():
        ours = small.network(input_ids=small_ids).logits
        theirs = full.network(input_ids=kept[small_ids]).logits
    torch.testing.assert_close(ours, theirs[..., kept])


def test_special_tokens_and_configuration_are_renumbered(pair):
    full, small = pair
    kept = small.trimmed.kept_ids
    for name in ("pad", "eos", "bos"):
        ours = getattr(small.tokenizer, f"{name}_token_id")
        assert getattr(small.network.config, f"{name}_token_id") == ours
        assert kept[ours] == getattr(full.tokenizer, f"{name}_token_id")
    assert small.network.config.vocab_size == len(kept) == len(small.tokenizer)
    sizes = {vars(module).get("vocab_size", len(kept)) for module in small.network.modules()}
    assert sizes == {len(kept)}
    assert small.network.generation_config.eos_token_id == small.tokenizer.eos_token_id


def test_ids_that_no_text_has_but_the_configuration_are_kept_and_come_back(tmp_path):
    full, small = trimmed_model("llama")
    assert small.trimmed is not None
    last = max(set(range(len(full.tokenizer))) - set(small.trimmed.kept_ids.tolist()))
    full.network.generation_config.eos_token_id = [1, last]
    tokenizer, trimmed = trim(full.network, full.tokenizer, TEXTS)
    eos = vars(full.network.generation_config)["eos_token_id"]
    assert trimmed.kept_ids[eos].tolist() == [1, last]
    assert eos != [1, last]

    LoadedModel(full.network, tokenizer, trimmed).save(tmp_path / "model")
    again = load(ModelConfig(name=str(tmp_path / "model")))
    assert vars(again.network.generation_config)["eos_token_id"] == [1, last]


def test_tied_matrices_stay_one_tensor_in_the_full_state():
    _, small = trimmed_model("gemma3")
    assert small.trimmed is not None
    state = small.trimmed.full_state(small.network.state_dict())
    assert state["lm_head.weight"] is state["model.embed_tokens.weight"]


def test_save_writes_the_full_matrix_with_only_kept_rows_changed(pair, tmp_path):
    full, small = pair
    with torch.no_grad():
        for parameter in small.network.parameters():
            parameter += 0.5
    small.save(tmp_path / "model")

    again = load(ModelConfig(name=str(tmp_path / "model")))

    assert again.network.config.vocab_size == full.network.config.vocab_size
    assert again.network.config.eos_token_id == full.network.config.eos_token_id
    assert again.tokenizer.get_vocab() == full.tokenizer.get_vocab()
    kept = small.trimmed.kept_ids
    is_kept = torch.zeros(len(full.tokenizer), dtype=torch.bool).index_fill(0, kept, True)
    for layer in ("get_input_embeddings", "get_output_embeddings"):
        before = getattr(full.network, layer)().weight
        after = getattr(again.network, layer)().weight
        assert torch.equal(after[is_kept], before[is_kept] + 0.5)
        assert torch.equal(after[~is_kept], before[~is_kept])


def test_trimming_a_saved_model_again_gives_the_model_in_training(pair, tmp_path):
    _, small = pair
    with torch.no_grad():
        small.network.get_input_embeddings().weight += 0.5
    small.save(tmp_path / "model")

    config = ModelConfig(name=str(tmp_path / "model"), trim_vocabulary=True)
    again = load(config, texts=reversed(TEXTS))

    assert again.tokenizer.get_vocab() == small.tokenizer.get_vocab()
    assert again.trimmed is not None
    assert torch.equal(again.trimmed.kept_ids, small.trimmed.kept_ids)
    ours, theirs = small.network.state_dict(), again.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_rows_are_remembered_in_half_the_memory_only_if_exact():
    full = full_model("llama")
    full.network.lm_head.weight.data = full.network.lm_head.weight.data.bfloat16().float()
    _, trimmed = trim(full.network, full.tokenizer, TEXTS)
    assert trimmed.full_rows["lm_head.weight"].dtype == torch.bfloat16
    assert trimmed.full_rows["model.embed_tokens.weight"].dtype == torch.float32


def test_trimming_for_no_texts_is_refused():
    full = full_model("llama")
    with pytest.raises(ModelError, match="no texts"):
        trim(full.network, full.tokenizer, [])


def test_a_network_with_further_token_rows_is_refused():
    full = full_model("llama")
    full.network.extra = torch.nn.Embedding(len(full.tokenizer), 4)
    with pytest.raises(ModelError, match=r"extra\.weight"):
        trim(full.network, full.tokenizer, TEXTS)
