"""The benchmarks run and write their rows; counts, not seconds, guard what they measure."""

from __future__ import annotations

import json
import random
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, LlamaConfig

from burnish.models.batching import micro_batches
from burnish.models.loading import LoadedModel
from burnish.models.policy import Policy
from burnish.models.tiny import byte_level_tokenizer, tiny_model
from burnish.models.token_batch import TokenBatch, prompt_of
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.training.workbench import ComputeConfig
from burnish.types import Example

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
SMALLEST = {
    "rollout": ["--workload", "smallest", "--rounds", "1", "--engines", "burnish"],
    "train": ["--model", "smallest", "--steps", "1", "--engines", "burnish"],
    "memory": [
        *("--model", "smallest", "--tokens", "64", "--length", "16", "--engines", "burnish"),
    ],
    "breakdown": ["--workload", "smallest", "smallest sft"],
    "search": ["--workload", "smallest", "--rounds", "1"],
    "sandbox": ["--programs", "3", "--rounds", "1", "--data", ".", "--engines", "burnish"],
}
OURS = {
    "rollout": {("smallest", "burnish", "tokens/s")},
    "train": {
        ("smallest grpo", "burnish", "s/step"),
        ("smallest grpo", "burnish", "reward"),
        ("smallest grpo", "burnish critic", "s/step"),
        ("smallest sft", "burnish", "tokens/s"),
        ("smallest dpo", "burnish", "tokens/s"),
        ("smallest grpo lora", "burnish", "s/step"),
        ("smallest sft lora", "burnish", "tokens/s"),
    },
    "memory": {("smallest 64 tokens", "burnish", "bytes")},
    "breakdown": {
        ("smallest", "burnish", "% of ceiling"),
        ("smallest", "burnish: matrix products", "% of time"),
        ("smallest sft", "burnish: optimizer", "% of time"),
    },
    "search": {
        ("smallest", "burnish", "nodes/s"),
        ("smallest", "generate", "nodes/s"),
        ("smallest", "burnish", "correct/1k tokens"),
    },
    "sandbox": {
        ("svamp", "burnish", "programs/s"),
        ("mbpp", "burnish", "programs/s"),
        ("mbpp+humaneval", "burnish", "programs/s"),
        ("latency", "burnish", "ms"),
        ("27 forgeries", "burnish one process", "paid"),
        ("27 forgeries", "burnish two processes", "paid"),
    },
}


@pytest.fixture
def rows_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs a benchmark and returns the rows it writes."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run(name: str, *options: str) -> list[dict[str, Any]]:
        path = tmp_path / "results" / f"{name}.json"
        settings = ["--threads", "1", "--json", str(path)]
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *SMALLEST[name], *settings, *options])
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
        return json.loads(path.read_text(encoding="utf-8"))

    return run


@pytest.mark.parametrize("name", SMALLEST)
def test_a_benchmark_measures_our_engine_and_writes_its_rows(rows_of, name, capsys):
    rows = rows_of(name)
    assert {(row["workload"], row["engine"], row["unit"]) for row in rows} >= OURS[name]
    assert all(row["value"] >= 0 for row in rows)
    assert all(row["commit"] and row["threads"] == 1 for row in rows)
    assert "ratio" in capsys.readouterr().out


def test_the_faster_dtype_bears_the_name_of_the_engine(rows_of):
    speeds = {row["engine"]: row for row in rows_of("rollout")}
    own = speeds.pop("burnish")
    ((name, other),) = speeds.items()
    assert name == f"burnish {other['dtype']}"
    assert own["dtype"] != other["dtype"]
    assert own["value"] >= other["value"]


def test_appending_replaces_only_what_is_measured_again(rows_of):
    before = {row["engine"]: row for row in rows_of("rollout")}
    after = rows_of("rollout", "--append", "--dtypes", "float32")
    assert {row["engine"] for row in after} == before.keys()
    kept = [row for row in after if row["engine"] != "burnish"]
    assert kept == [before[row["engine"]] for row in kept]


def test_the_rewards_of_all_steps_stand_in_the_file(rows_of):
    rows = [row for row in rows_of("train", "--tasks", "grpo") if row["unit"] == "reward"]
    assert [len(row["curve"]) for row in rows] == [2, 2]  # warm-up and one step, in each dtype


def test_the_shares_of_a_breakdown_make_up_the_whole(rows_of):
    rows = [row for row in rows_of("breakdown") if row["unit"] == "% of time"]
    for workload in ("smallest", "smallest sft"):
        shares = [row["value"] for row in rows if row["workload"] == workload]
        assert all(share >= 0 for share in shares)
        assert sum(shares) == pytest.approx(100, abs=1)


def test_a_search_and_the_same_search_tree_by_tree_grow_the_same_trees(rows_of):
    sides = ("burnish", "burnish alone", "generate")
    rows = rows_of("search", "--engines", *sides)
    speeds = {row["engine"]: row for row in rows if row["unit"] == "nodes/s"}
    ours = speeds["burnish"]
    assert ours["nodes"] > ours["trees"] == 3
    for side in sides:
        same = ("trees", "same_trees", "nodes", "values", "sampled_tokens", "value_tokens")
        assert [speeds[side][name] for name in same] == [ours[name] for name in same]
    assert ours["same_trees"] == 3
    assert ours["counts"]["reused_tokens"] > ours["counts"]["prefill_tokens"]


def test_samples_of_a_prompt_cost_one_prefill_and_full_steps():
    loaded = tiny_model("llama")
    loaded.network.generation_config.eos_token_id = None
    loaded.tokenizer.eos_token = None
    engine = LocalEngine(loaded.network, loaded.tokenizer, max_concurrent=8, dtype=torch.float32)
    requests = [Request(tuple(range(5 + i, 25 + i)), (0, 1, 2, 3)) for i in range(4)]
    engine.sample(requests, SamplingParams(max_tokens=6))
    assert engine.stats.prefill_tokens == 4 * 19  # the last token of a prompt is decoded
    assert engine.stats.sampled_tokens == 16 * 6
    assert engine.stats.decode_steps == 2 * 6  # 16 rows, 8 at a time


def test_small_micro_batches_of_ragged_rows_hold_little_padding():
    """8.3 % in this set."""
    assert padding_share(micro_batches(ragged_rows(), max_tokens=1024)) <= 0.1


def test_micro_batches_of_the_default_size_hold_little_padding():
    budget = ComputeConfig().max_tokens_per_batch
    assert padding_share(micro_batches(ragged_rows(), max_tokens=budget)) <= 0.1


def test_no_tensor_of_an_update_comes_near_tokens_times_vocabulary():
    """The largest is a tile of logits, or the weight of the output layer."""
    vocabulary, num_rows = 2**14, 40
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    loaded = LoadedModel(network, byte_level_tokenizer())
    policy = Policy(loaded, compute_dtype=torch.float32)
    batch = TokenBatch.collate([row_of((10 + place,), 63) for place in range(num_rows)])
    with LargestTensor() as largest:
        logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
        logp.sum().backward()
    assert batch.num_actions == num_rows * 63
    assert largest.numel <= batch.num_actions * vocabulary / 16


class LargestTensor(TorchDispatchMode):
    """Sees the output of every operation, those of the backward pass included."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        found = out if isinstance(out, tuple | list) else [out]
        sizes = [x.numel() for x in found if isinstance(x, torch.Tensor)]
        self.numel = max(self.numel, *sizes, 0)
        return out


def ragged_rows() -> list[Example]:
    """256 prompts of 16 tokens; answers geometric with mean 32, at most 256 tokens."""
    draw = random.Random(0)
    sizes = [min(256, 1 + int(draw.expovariate(1 / 32))) for _ in range(256)]
    return [row_of((10 + place,) * 16, size) for place, size in enumerate(sizes)]


def row_of(prompt: tuple[int, ...], size: int) -> Example:
    flags = (False,) * len(prompt) + (True,) * size
    return Example("row", prompt + (5,) * size, flags)


def padding_share(batches: list[list[Example]]) -> float:
    """Share of padding in what is computed: each prompt once a batch, and the rows' rests."""
    computed, real = 0, 0
    for batch in batches:
        prompts = [len(prompt) for prompt in {prompt_of(row) for row in batch}]
        rests = [len(row.token_ids) - len(prompt_of(row)) for row in batch]
        computed += len(prompts) * max(prompts) + len(rests) * max(rests)
        real += sum(prompts) + sum(rests)
    return 1 - real / computed
