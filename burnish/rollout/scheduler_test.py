"""Where memory runs out, rows that had not ended are begun again, fewer at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from burnish.errors import EngineError
from burnish.rollout.conftest import build_network
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.rollout.local_test import LENGTHS, MAX_TOKENS, flat, random_prompts


@contextmanager
def memory_for(num_rows: int) -> Iterator[None]:
    """Decode steps of more rows find no memory, once some rows have ended."""

    def look(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        is_step = isinstance(module, torch.nn.Embedding) and inputs[0].shape[1:] in {(), (1,)}
        if is_step and len(inputs[0]) > num_rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    handle = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize("dtype", [None, torch.float32], ids=["modules", "copy"])
def test_where_memory_runs_out_fewer_rows_at_once_give_the_same_samples(dtype, tokenizer):
    network = build_network("llama")
    requests = [Request(p, (1, 2, 3)) for p in random_prompts(LENGTHS)]
    params = SamplingParams(MAX_TOKENS, temperature=1.0)
    expected = LocalEngine(network, tokenizer, max_concurrent=16, dtype=dtype).sample(
        requests, params
    )
    engine = LocalEngine(network, tokenizer, max_concurrent=16, dtype=dtype)

    with memory_for(4):
        found = engine.sample(requests, params)

    assert engine.stats.memory_ran_out == 2, "16, 8, 4"
    for ours, theirs in zip(flat(found), flat(expected), strict=True):
        assert ours.token_ids == theirs.token_ids
        assert ours.stop_reason == theirs.stop_reason
        assert ours.logp == pytest.approx(theirs.logp, abs=1e-5)


def test_too_little_memory_for_one_row_is_one_clear_error(tokenizer):
    engine = LocalEngine(build_network("llama"), tokenizer, max_concurrent=2)
    with memory_for(0), pytest.raises(EngineError, match="one row at a time needs more memory"):
        engine.sample([Request((5, 6), (1, 2))], SamplingParams(4))
