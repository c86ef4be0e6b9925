"""Tokens per second of the local engine against `generate`, side by side in one process.

    python benchmarks/rollout.py [--workload NAME ...] [--threads N] [--clock cpu] [--json FILE]

Models have random weights: speed does not depend on what they say. Engines take turns, round by
round, and each keeps its best round, so that a busy moment of the machine hits all alike. Every
engine samples at temperature 1; ours also returns two log-probabilities a token, `generate` none.
The ratio is against the faster of `generate`'s variants. On a machine that is
busy with other work, `--threads 1 --clock cpu` counts this process's own processor seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.local import LocalEngine

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True, slots=True)
class Workload:
    """What to sample: prompts of one length, so that `generate` needs no padding.

    Attributes:
        config: the model's shape.
        num_prompts: different prompts.
        num_samples: completions per prompt.
        prompt_tokens: tokens per prompt.
        max_tokens: most new tokens.
        num_eos: how many tokens of the vocabulary end a completion. The models' distributions are
            nearly uniform, so lengths are geometric with mean vocabulary / num_eos.
        rows: completions decoded at once.
        dtypes: dtypes compared.
    """

    config: PreTrainedConfig
    num_prompts: int
    num_samples: int
    prompt_tokens: int
    max_tokens: int
    num_eos: int = 0
    rows: int = 64
    dtypes: tuple[str, ...] = ("float32", "bfloat16")


def llama(hidden: int, layers: int, vocabulary: int, heads: int) -> LlamaConfig:
    """A small Llama with the usual proportions."""
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=hidden * 8 // 3,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
    )


def gemma_270m(vocabulary: int) -> Gemma3TextConfig:
    """The shape of Gemma 3 270M with fewer rows of the embedding."""
    return Gemma3TextConfig(
        vocab_size=vocabulary,
        hidden_size=640,
        intermediate_size=2048,
        num_hidden_layers=18,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        query_pre_attn_scalar=256,
        sliding_window=512,
        layer_types=["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(18)],
        max_position_embeddings=4096,
    )


WORKLOADS = {
    "tiny": Workload(llama(256, 4, 2048, 4), 64, 1, 16, 128),
    "shared": Workload(llama(256, 4, 2048, 4), 8, 8, 256, 128),
    "ragged": Workload(llama(256, 4, 2048, 4), 256, 1, 16, 256, num_eos=64),
    "quickstart": Workload(llama(160, 4, 600, 4), 16, 16, 48, 64, rows=128),
    "gemma": Workload(gemma_270m(16_384), 16, 4, 64, 64, dtypes=("bfloat16",)),
}


def build(workload: Workload) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model with random weights, and a tokenizer of its vocabulary's size."""
    torch.manual_seed(0)
    vocabulary: int = workload.config.vocab_size
    network = AutoModelForCausalLM.from_config(workload.config, dtype=torch.float32).eval()
    eos = list(range(vocabulary - workload.num_eos, vocabulary))
    network.generation_config.eos_token_id = eos or None
    network.generation_config.pad_token_id = 0
    words = {f"w{i}": i for i in range(vocabulary)}
    inner = Tokenizer(models.WordLevel(words, unk_token="w0"))
    return network, PreTrainedTokenizerFast(tokenizer_object=inner)


def run_ours(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[tuple[int, ...]],
    workload: Workload,
    dtype: torch.dtype,
) -> Callable[[], int]:
    """A function that samples everything once and returns the number of sampled tokens."""
    engine = LocalEngine(network, tokenizer, max_concurrent=workload.rows, dtype=dtype)
    seeds = tuple(range(workload.num_samples))
    requests = [Request(prompt, seeds) for prompt in prompts]

    def sample() -> int:
        groups = engine.sample(requests, SamplingParams(max_tokens=workload.max_tokens))
        return sum(len(completion.token_ids) for group in groups for completion in group)

    return sample


def run_generate(
    network: PreTrainedModel,
    prompts: list[tuple[int, ...]],
    workload: Workload,
    dtype: torch.dtype,
) -> Callable[[], int]:
    """The same through `generate`, in batches of `workload.rows`."""
    config = workload.config
    copy = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    copy.load_state_dict(network.state_dict())
    copy.generation_config = network.generation_config
    rows = torch.tensor(prompts).repeat_interleave(workload.num_samples, dim=0)

    def sample() -> int:
        num_tokens = 0
        for batch in rows.split(workload.rows):
            new = copy.generate(
                batch,
                attention_mask=torch.ones_like(batch),
                do_sample=True,
                top_k=0,
                max_new_tokens=workload.max_tokens,
            )[:, batch.shape[1] :]
            num_tokens += _num_until_eos(new, config.vocab_size - workload.num_eos)
        return num_tokens

    return sample


def _num_until_eos(token_ids: torch.Tensor, first_eos: int) -> int:
    is_after_eos = (token_ids >= first_eos).cumsum(1) - (token_ids >= first_eos).int() > 0
    return int((~is_after_eos).sum())


def measure(workload: Workload, num_rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Tokens per second of each engine, the best of the rounds."""
    network, tokenizer = build(workload)
    shape = (workload.num_prompts, workload.prompt_tokens)
    prompts = [tuple(row) for row in torch.randint(1, workload.config.vocab_size, shape).tolist()]
    engines: dict[str, Callable[[], int]] = {}
    for name in workload.dtypes:
        dtype = DTYPES[name]
        engines[f"generate {name}"] = run_generate(network, prompts, workload, dtype)
        engines[f"burnish {name}"] = run_ours(network, tokenizer, prompts, workload, dtype)
    best = dict.fromkeys(engines, 0.0)
    for _ in range(num_rounds):
        for name, sample in engines.items():
            start = clock()
            num_tokens = sample()
            best[name] = max(best[name], num_tokens / (clock() - start))
    return best


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(
        description="Local engine against generate, in tokens per second."
    )
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    print(f"{'workload':<12}{'engine':<22}{'tokens/s':>10}{'ratio':>8}")
    for name in arguments.workload:
        speeds = measure(WORKLOADS[name], arguments.rounds, CLOCKS[arguments.clock])
        peer = max(speed for engine, speed in speeds.items() if engine.startswith("generate"))
        for engine, speed in speeds.items():
            print(f"{name:<12}{engine:<22}{speed:>10,.0f}{speed / peer:>8.2f}", flush=True)
            rows.append({"workload": name, "engine": engine, "value": speed, "unit": "tokens/s"})
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
