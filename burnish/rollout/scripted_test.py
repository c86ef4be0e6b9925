import pytest

from burnish.errors import EngineError
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.scripted import ScriptedEngine
from burnish.types import StopReason


def request(tokenizer, text, seeds):
    return Request(tuple(tokenizer.encode(text, add_special_tokens=False)), seeds)


def test_a_mapping_answers_by_prompt(tokenizer):
    engine = ScriptedEngine(tokenizer, {"two?": "2", "six?": "6."})
    requests = [request(tokenizer, "six?", (0,)), request(tokenizer, "two?", (0, 1))]

    groups = engine.sample(requests, SamplingParams(9))

    assert [[c.text for c in group] for group in groups] == [["6."], ["2", "2"]]
    assert groups[0][0].token_ids[-1] == tokenizer.eos_token_id
    assert len(groups[0][0].logp) == len(groups[0][0].token_ids) == 3


def test_a_function_answers_by_prompt_and_seed_and_is_cut_at_the_limit(tokenizer):
    engine = ScriptedEngine(tokenizer, lambda prompt, seed: prompt + "!" * seed)

    ((short, long),) = engine.sample([request(tokenizer, "ab", (1, 5))], SamplingParams(4))

    assert (short.text, short.stop_reason) == ("ab!", StopReason.EOS)
    assert (long.text, long.stop_reason) == ("ab!!", StopReason.LENGTH)


def test_an_unknown_prompt_is_an_error(tokenizer):
    engine = ScriptedEngine(tokenizer, {})

    with pytest.raises(EngineError, match="no answer to 'ab'"):
        engine.sample([request(tokenizer, "ab", (0,))], SamplingParams(4))
