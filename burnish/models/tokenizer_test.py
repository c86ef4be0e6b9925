import pytest
import torch
from transformers import PreTrainedTokenizerFast

from burnish.errors import ModelError
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.models.tokenizer import prepare_tokenizer, read_tokenizer


def without(model, **special_tokens):
    """The model's tokenizer with other named tokens."""
    tokens = model.tokenizer.special_tokens_map | special_tokens
    named = {name: token for name, token in tokens.items() if token is not None}
    return PreTrainedTokenizerFast(tokenizer_object=model.tokenizer.backend_tokenizer, **named)


def input_rows(model):
    return model.network.get_input_embeddings().get_parameter("weight")


def output_rows(model):
    return model.network.get_output_embeddings().get_parameter("weight")


def prepare(tokenizer, network, **options):
    prepare_tokenizer(tokenizer, network, ModelConfig(name="a/b", **options))


def test_no_eos_is_refused():
    model = tiny_model("llama")
    with pytest.raises(ModelError, match="no end-of-sequence token"):
        prepare(without(model, eos_token=None), model.network)


def test_no_pad_is_refused_naming_a_token_that_would_do():
    model = tiny_model("llama")
    with pytest.raises(ModelError, match=r'no padding token.*model\.pad_token: "<pad>"'):
        prepare(without(model, pad_token=None), model.network)


def test_pad_equal_to_eos_is_refused():
    model = tiny_model("llama")
    with pytest.raises(ModelError, match="'<eos>' as padding and as EOS"):
        prepare(without(model, pad_token="<eos>"), model.network)


def test_naming_eos_as_padding_is_refused():
    model = tiny_model("llama")
    with pytest.raises(ModelError, match="as padding and as EOS"):
        prepare(model.tokenizer, model.network, pad_token="<eos>")


def test_an_existing_token_becomes_padding_everywhere():
    model = tiny_model("llama")
    rows = model.network.config.vocab_size
    assert model.network.get_input_embeddings().padding_idx == 0
    prepare(model.tokenizer, model.network, pad_token="<unk>")
    assert model.tokenizer.pad_token_id == 3
    assert model.network.config.pad_token_id == 3
    assert model.network.generation_config.pad_token_id == 3
    assert model.network.get_input_embeddings().padding_idx is None
    assert len(input_rows(model)) == rows


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_new_padding_token_gets_the_mean_row(family):
    model = tiny_model(family)
    before = output_rows(model).detach().clone()
    prepare(model.tokenizer, model.network, pad_token="<|padding|>")
    after = output_rows(model)
    assert model.tokenizer.pad_token_id == len(before) == len(after) - 1
    assert torch.equal(after[:-1], before)
    torch.testing.assert_close(after[-1], before.mean(dim=0))


def test_fewer_rows_than_tokens_are_refused():
    model = tiny_model("llama")
    model.network.resize_token_embeddings(300)
    with pytest.raises(ModelError, match="up to 383, but the network has embedding rows for 300"):
        prepare(model.tokenizer, model.network)


def test_an_added_token_without_a_row_is_allowed():
    model = tiny_model("llama")
    model.tokenizer.add_tokens(["<image>"])
    prepare(model.tokenizer, model.network)
    assert model.network.config.vocab_size == 384


def test_an_added_eos_without_a_row_is_refused():
    model = tiny_model("llama")
    model.tokenizer.add_special_tokens({"eos_token": "<stop>"})
    with pytest.raises(ModelError, match="up to 384"):
        prepare(model.tokenizer, model.network)


def test_the_trained_eos_is_among_those_that_end_generation():
    model = tiny_model("llama")
    model.network.generation_config.eos_token_id = [7]
    prepare(model.tokenizer, model.network)
    assert model.network.generation_config.eos_token_id == [1, 7]


def test_the_chat_template_is_text_or_a_file(tmp_path):
    model = tiny_model("llama")
    (tmp_path / "t.jinja").write_text("from a file")
    prepare(model.tokenizer, model.network, chat_template=str(tmp_path / "t.jinja"))
    assert model.tokenizer.chat_template == "from a file"
    prepare(model.tokenizer, model.network, chat_template="{{ messages }}")
    assert model.tokenizer.chat_template == "{{ messages }}"
    with pytest.raises(ModelError, match=r"none\.jinja cannot be read"):
        prepare(model.tokenizer, model.network, chat_template=str(tmp_path / "none.jinja"))


def test_a_folders_tokenizer_file_has_the_last_word(tmp_path):
    model = tiny_model("qwen2")  # AutoTokenizer would split digits as Qwen's own tokenizer does
    model.save(tmp_path / "model")
    again = read_tokenizer(str(tmp_path / "model"), trust_remote_code=False)
    for text in ("12 apples, 345", "I'll\n\n  go"):
        assert again(text)["input_ids"] == model.tokenizer(text)["input_ids"]
