"""Recorded steps, with a trace of tensor operations in the place of a CUDA graph.

Like a graph, a trace has no Python in it: it reads and writes the tensors that it saw, and keeps
every number and shape that was not one.
"""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from burnish.rollout.conftest import CONFIGS, build_network
from burnish.rollout.decoder import FusedDecoder, ModuleDecoder
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.fused.ops import TorchOps
from burnish.rollout.fused.trunk import FusedTrunk
from burnish.rollout.local import LocalEngine
from burnish.rollout.prompts import ModulePrompts
from burnish.rollout.recorded import RecordedDecoder

FUSED = [family for family in CONFIGS if family != "gpt2"]
REQUESTS = [Request(tuple(range(3, 3 + size)), (0, 1)) for size in (2, 9, 5)]
REQUESTS.append(Request((7, 3, 3, 9), (0,)))  # 7 rows in all: not a power of two
PARAMS = SamplingParams(14)


class Trace:
    """Records by tracing; counts what it recorded, by the number of rows, and played."""

    def __init__(self):
        self.recorded, self.num_played = [], 0

    @property
    def num_recorded(self):
        return len(self.recorded)

    def __call__(self, run):
        self.recorded.append(len(run()))  # as before a graph is captured
        traced = make_fx(run)()
        logits = traced().clone()

        def play():
            self.num_played += 1
            logits.copy_(traced())

        return logits, play


def engine_of(family, tokenizer, record, *, fused=True, max_concurrent=4):
    engine = LocalEngine(
        build_network(family), tokenizer, max_concurrent=max_concurrent, dtype=torch.float32
    )
    network = engine._network
    if fused:
        inner = FusedDecoder(network, FusedTrunk(network, TorchOps(torch.float32)))
    else:
        inner = ModuleDecoder(network)
    engine._decoder = RecordedDecoder(inner, record)
    engine._prompts = ModulePrompts(network, engine.stats)
    return engine


def samples_of(engine, requests=REQUESTS, params=PARAMS):
    found = [c for group in engine.sample(requests, params) for c in group]
    return [c.token_ids for c in found], [x for c in found for x in c.logp]


def assert_samples_like(engine, expected_engine):
    (found, logp), (expected, expected_logp) = map(samples_of, (engine, expected_engine))
    assert found == expected
    assert logp == pytest.approx(expected_logp, abs=1e-5)


@pytest.mark.parametrize(
    ("family", "fused"), [*((f, True) for f in FUSED), ("gpt2", False), ("llama", False)]
)
def test_played_steps_sample_what_the_decoder_itself_samples(family, fused, tokenizer):
    record = Trace()
    engine = engine_of(family, tokenizer, record, fused=fused)

    assert_samples_like(engine, LocalEngine(build_network(family), tokenizer))

    assert record.num_played > engine.stats.decode_steps / 2


@pytest.mark.parametrize("family", FUSED)
def test_played_steps_follow_new_weights(family, tokenizer):
    record, other = Trace(), build_network(family, seed=1)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if "norm" in name or "bias" in name:
                parameter.uniform_(0.5, 1.5)
    engine = engine_of(family, tokenizer, record)
    samples_of(engine)
    num_recorded = record.num_recorded

    engine.sync(other.state_dict())

    assert_samples_like(engine, LocalEngine(other, tokenizer))
    assert record.num_recorded == num_recorded


def test_a_step_is_recorded_once_for_each_power_of_two_rows(tokenizer):
    record = Trace()
    engine = engine_of("llama", tokenizer, record, max_concurrent=6)

    for _ in range(2):  # past the first 32 columns of the cache
        samples_of(engine, params=SamplingParams(40))

    assert len(record.recorded) == len(set(record.recorded))
    assert set(record.recorded) <= {1, 2, 4, 6}


def test_a_wider_cache_is_recorded_anew(tokenizer):
    record = Trace()
    engine = engine_of("llama", tokenizer, record)
    samples_of(engine)
    num_recorded = record.num_recorded
    longer = [Request(tuple(3 + (i * step) % 60 for i in range(40)), (0,)) for step in (1, 7, 9)]

    found, _ = samples_of(engine, longer)

    expected, _ = samples_of(LocalEngine(build_network("llama"), tokenizer), longer)
    assert found == expected
    assert record.num_recorded > num_recorded


def test_a_recording_that_differs_is_not_used_and_said_so(tokenizer, caplog):
    def record_wrongly(run):
        return run() + 1.0, lambda: None

    engine = engine_of("llama", tokenizer, record_wrongly)

    assert_samples_like(engine, LocalEngine(build_network("llama"), tokenizer))

    assert "differ" in caplog.text
    assert isinstance(engine._decoder, RecordedDecoder)
    assert not engine._decoder.is_recording


def test_a_step_that_cannot_be_recorded_runs_as_it_is(tokenizer, caplog):
    def refuse(run):
        raise RuntimeError("operation not permitted when stream is capturing")

    engine = engine_of("llama", tokenizer, refuse)

    assert_samples_like(engine, LocalEngine(build_network("llama"), tokenizer))

    assert "not permitted" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("family", CONFIGS)
def test_cuda_graphs_sample_what_the_modules_sample(family, tokenizer):
    network = build_network(family).cuda()
    engine = LocalEngine(network, tokenizer, max_concurrent=4, dtype=torch.float32)

    found, logp = samples_of(engine)

    expected, expected_logp = samples_of(LocalEngine(network, tokenizer))
    assert found == expected
    assert logp == pytest.approx(expected_logp, abs=1e-3)
    decoder = engine._decoder
    assert isinstance(decoder, RecordedDecoder)
    assert decoder.is_recording
