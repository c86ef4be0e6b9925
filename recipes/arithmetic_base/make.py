"""Makes the small base model inside the package: `python recipes/arithmetic_base/make.py`.

1. A random Llama of 1.3 M parameters and a byte-level tokenizer with one token a digit.
2. `1_operations.yaml`: chains of bare operations, and problems of one step.
3. `2_many_steps.yaml`: a little of problems with up to four steps, in both styles of annotation.
4. The result, in bfloat16, in `burnish/assets/arithmetic`.

About 15 minutes on two quiet cores. All problems come from the train split of the generator, whose
dev and test problems are disjoint from it by construction.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from burnish.cli.train import train
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.run.recipe import load_recipe

HERE = Path(__file__).parent
ASSET = HERE.parents[1] / "burnish" / "assets" / "arithmetic"
SPECIAL = ["<pad>", "<bos>", "<eos>"]


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of 512 entries, learnt on the generator's own texts; digits stand alone."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    tasks = [
        ArithmeticTask(style="ncot", min_steps=1, drill_share=0.1, train_size=3000),
        ArithmeticTask(style="pcot", min_steps=1, drill_share=0.1, train_size=3000),
    ]
    texts = [
        task.prompt(problem) + task.target(problem)
        for task in tasks
        for problem in task.problems("train")
    ]
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=SPECIAL[0], bos_token=SPECIAL[1], eos_token=SPECIAL[2]
    )


def untrained(folder: Path) -> None:
    """Write the random network and its tokenizer."""
    text = tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(text),
        hidden_size=160,
        intermediate_size=400,
        num_hidden_layers=4,
        num_attention_heads=5,
        num_key_value_heads=5,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=text.pad_token_id,
        bos_token_id=text.bos_token_id,
        eos_token_id=text.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    text.save_pretrained(folder)


def main(runs: Path) -> None:
    """All four steps; the runs go below `runs`, each continues where it was stopped."""
    untrained(runs / "untrained")
    start = runs / "untrained"
    for name in ("1_operations", "2_many_steps"):
        recipe = load_recipe(HERE / f"{name}.yaml", [f"model.name={start}"])
        train(recipe, runs / name, resume=True)
        start = runs / name / "stages" / "01-sft" / "last"
    shutil.rmtree(ASSET, ignore_errors=True)
    load(ModelConfig(name=str(start), dtype="bfloat16")).save(ASSET)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/arithmetic_base"))
