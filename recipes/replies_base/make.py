"""Makes the small base model of replies inside the package: `python recipes/replies_base/make.py`.

1. A random Llama of 0.9 M parameters and a byte-level tokenizer to which a number is one token.
2. `1_drills.yaml`: questions and what stands in them, from which it learns to look things up.
3. `2_dialogues.yaml`: replies, critiques, revisions, comparisons and ratings (`dialogues.py`).
4. The result, in bfloat16, in `burnish/assets/replies`.

About ten minutes on one core; runs continue where they were stopped. Whole texts are learnt,
questions too: what stands in them and again in a reply teaches the most. All questions are of the
train split of the task, whose dev and test questions are disjoint from it by construction.

The model in the package had the first lesson and 358 of the 500 updates of the second: it knows the
form of everything, sees unfriendliness and length, and mostly gets numbers wrong.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import torch
from dialogues import CAREFUL, answer, comparison, critique_and_revision, drill, rating, reasoned
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from burnish.cli.train import train
from burnish.data.feedback.reply_writing import AVERAGE
from burnish.data.tasks.replies import RepliesTask, scene_of
from burnish.methods.constitutional.constitution import load_constitution
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.run.recipe import load_recipe

HERE = Path(__file__).parent
ASSET = HERE.parents[1] / "burnish" / "assets" / "replies"
SPECIAL = ["<pad>", "<bos>", "<eos>"]
NUM_DRILLS, NUM_DIALOGUES = 8_000, 16_000
WEIGHTS_STD = 0.08
"""About 1 / sqrt(128). With the usual 0.02 attention stays flat, and nothing is ever looked up."""
SHARES = {"answer": 0.15, "critique": 0.35, "comparison": 0.3, "rating": 0.1, "reasons": 0.1}


def dialogues() -> list[str]:
    """One about each question."""
    source = random.Random("replies_base")
    constitution = load_constitution("builtin:replies")
    makers = {
        "answer": lambda question, scene: answer(question, scene, AVERAGE, source),
        "critique": lambda question, scene: critique_and_revision(
            question, scene, constitution, source
        ),
        "comparison": lambda question, scene: comparison(question, scene, constitution, source),
        "rating": lambda question, scene: rating(question, scene, source),
        "reasons": lambda question, scene: reasoned(question, scene, constitution, source),
    }
    kinds = source.choices([*SHARES], [*SHARES.values()], k=NUM_DIALOGUES)
    problems = RepliesTask(train_size=NUM_DIALOGUES, seed=7).problems("train")
    return [makers[k](p.question, scene_of(p)) for k, p in zip(kinds, problems, strict=True)]


def drills() -> list[str]:
    """Lookups, and every fourth time a careful reply."""
    source = random.Random("replies_base/drills")
    problems = RepliesTask(train_size=NUM_DRILLS, seed=8).problems("train")
    return [
        answer(p.question, scene_of(p), CAREFUL, source)
        if number % 4 == 0
        else drill(p.question, scene_of(p), source)
        for number, p in enumerate(problems)
    ]


def write_rows(path: Path, texts: list[str]) -> None:
    """Each text as its first word, and all that follows as what is to be learnt."""
    parts = [text.partition(" ") for text in texts]
    rows = [{"prompt": first, "completion": f" {rest}"} for first, _, rest in parts]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE of 768 entries, learnt on the dialogues."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=768,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=SPECIAL[0], bos_token=SPECIAL[1], eos_token=SPECIAL[2]
    )


def untrained(folder: Path, texts: list[str]) -> None:
    """Write the random network and its tokenizer."""
    text = tokenizer(texts)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(text),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=WEIGHTS_STD,
        pad_token_id=text.pad_token_id,
        bos_token_id=text.bos_token_id,
        eos_token_id=text.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    text.save_pretrained(folder)


def main(runs: Path) -> None:
    """All four steps; the runs go below `runs`."""
    runs.mkdir(parents=True, exist_ok=True)
    start = runs / "untrained"
    lessons = {"1_drills": drills(), "2_dialogues": dialogues()}
    if not start.exists():
        untrained(start, lessons["2_dialogues"][:4000])
    for name, texts in lessons.items():
        path = runs / f"{name}.jsonl"
        write_rows(path, texts)
        write_rows(runs / "some.jsonl", texts[:40])
        some = [f"task.{split}={runs / 'some.jsonl'}" for split in ("dev", "test")]
        changes = [f"model.name={start}", f"task.train={path}", *some]
        train(load_recipe(HERE / f"{name}.yaml", changes), runs / name, resume=True)
        start = runs / name / "stages" / "01-sft" / "last"
    shutil.rmtree(ASSET, ignore_errors=True)
    load(ModelConfig(name=str(start), dtype="bfloat16")).save(ASSET)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/replies_base"))
