import pytest
import torch

from burnish.kernels.call import kernels
from burnish.rollout import state_reader as module
from burnish.rollout.conftest import CONFIGS, WINDOW, build_for_kernels, build_network
from burnish.rollout.state_reader import Reading, state_reader

pytestmark = pytest.mark.skipif(kernels("decode") is None, reason="no C++ compiler")

FUSED = [family for family in CONFIGS if family != "gpt2"]
QUESTION, OTHER = tuple(range(5, 5 + 2 * WINDOW)), (9, 8, 7)
READINGS = [
    Reading((*QUESTION, 3, 4), len(QUESTION)),
    Reading((*OTHER, 3), len(OTHER)),
    Reading((*QUESTION, 6), len(QUESTION)),
    Reading((*QUESTION, 3, 4, 11, 12, 13), len(QUESTION) + 2),
    Reading(QUESTION, len(QUESTION)),
    Reading((40,), 1),
]


def expected_state(network, token_ids):
    with torch.no_grad():
        return network.base_model(torch.tensor([token_ids])).last_hidden_state[0, -1]


@pytest.mark.parametrize("prefix_bytes", [0, 30_000, 2**30])
@pytest.mark.parametrize("family", FUSED)
def test_states_are_those_of_the_network(family, prefix_bytes, monkeypatch):
    monkeypatch.setattr(module, "SEQUENCES_AT_ONCE", 4)
    network = build_for_kernels(family)
    reader = state_reader(network, torch.float32, prefix_bytes=prefix_bytes)
    assert reader is not None
    for _ in range(2):
        states = reader.read(READINGS)
        for reading, state in zip(READINGS, states, strict=True):
            expected = expected_state(network, reading.token_ids)
            torch.testing.assert_close(state, expected, atol=2e-4, rtol=1e-3)


def test_what_is_shared_is_read_once_and_what_is_known_not_again():
    reader = state_reader(build_network("llama"), torch.float32, prefix_bytes=2**30)
    assert reader is not None
    siblings = [Reading((*QUESTION, last, 4), len(QUESTION)) for last in (3, 6, 9)]

    reader.read(siblings)
    assert reader.stats.prefill_tokens == len(QUESTION) + 3 * 2

    reader.read([Reading((*siblings[1].token_ids, 20, 21), len(QUESTION) + 2)])
    assert reader.stats.prefill_tokens == len(QUESTION) + 3 * 2 + 2
    assert reader.stats.reused_tokens == len(QUESTION) + 2


def test_without_memory_only_one_call_shares():
    reader = state_reader(build_network("llama"), torch.float32, prefix_bytes=0)
    assert reader is not None
    for count in (1, 2):
        reader.read([Reading((*QUESTION, last), len(QUESTION)) for last in (3, 6)])
        assert reader.stats.prefill_tokens == count * (len(QUESTION) + 2)


def test_the_reader_keeps_the_weights_it_was_made_with():
    network = build_network("llama")
    reader = state_reader(network, torch.float32, prefix_bytes=0)
    assert reader is not None
    expected = reader.read(READINGS)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2.0)
    torch.testing.assert_close(reader.read(READINGS), expected)


def test_there_is_none_for_a_family_without_kernels():
    assert state_reader(build_network("gpt2"), torch.float32, prefix_bytes=0) is None
