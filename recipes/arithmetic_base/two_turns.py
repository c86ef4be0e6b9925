"""Makes the base model of the self-correction recipes.

1. Rows of dialogues: a solution, the instruction, and another solution. The first is hasty: of a
   problem with more than two steps it is nearly always the leaping annotation, which the model
   cannot do in its head. It sometimes has a slip. The second repeats it, or is one of the two
   annotations, or misreads the last event: who is told that there may be an error changes
   something. Which of these comes does not depend on whether the first was right, so the model
   learns to answer again and how repairs look, but not when to repair. A few rows are single
   solutions, hasty ones.
2. `3_two_turns.yaml`: imitate them, from `builtin:arithmetic`.
3. The result, in bfloat16, in `burnish/assets/arithmetic_two_turns`.

About five minutes on a quiet core. All problems are of the generator's train split.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from burnish.cli.train import train
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.models.config import ModelConfig
from burnish.models.loading import load
from burnish.run.recipe import load_recipe
from burnish.types import Problem

HERE = Path(__file__).parent
ASSET = HERE.parents[1] / "burnish" / "assets" / "arithmetic_two_turns"
INSTRUCTION = "There may be an error above. Answer again.\nAnswer reasoning:"
NUM_PROBLEMS = 12_000
LONGEST_SPELLED, ALSO_SPELLED = 2, 0.03
FIRST_SLIPS = 0.3
REPEATS, MISREADINGS = 0.3, 0.4
SINGLES = 0.3
STEP = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)\.")
MISREAD = {"+": "-", "-": "+", "*": "+", "/": "-"}
SLIPS = (-10, -9, -2, -1, 1, 2, 9, 10)


def rows(source: random.Random) -> list[dict[str, str | None]]:
    """Dialogues about all problems and single solutions of some, shuffled."""
    leaping, spelled = (
        ArithmeticTask(min_steps=1, train_size=NUM_PROBLEMS, seed=3, spelled_share=share)
        for share in (0.0, 1.0)
    )
    found: list[dict[str, str | None]] = []
    for problem in zip(leaping.problems("train"), spelled.problems("train"), strict=True):
        prompt, answer = leaping.prompt(problem[0]), problem[0].answer
        change = _with_slip if source.random() < FIRST_SLIPS else _unchanged
        first = solution(problem, source, change, is_spelled=_hasty(problem, source))
        draw = source.random()
        if draw < REPEATS:
            second = first
        else:
            change = _misread if draw > 1 - MISREADINGS else _unchanged
            second = solution(problem, source, change, is_spelled=source.random() < 0.5)
        if source.random() < SINGLES:
            once = solution(problem, source, _unchanged, is_spelled=_hasty(problem, source))
            found.append({"prompt": prompt, "completion": once, "answer": answer})
        asked_again = f"{prompt}{first}<eos>\n{INSTRUCTION}\n"
        found.append({"prompt": asked_again, "completion": second, "answer": answer})
    source.shuffle(found)
    return found


Steps: TypeAlias = list[tuple[str, int, int]]
"""Operator, operand and result of each."""


def solution(
    pair: tuple[Problem, Problem],
    source: random.Random,
    change: Callable[[int, Steps, random.Random], Steps],
    *,
    is_spelled: bool,
) -> str:
    """The leaping or the spelled annotation of a problem, after `change`."""
    leaping, spelled = pair
    found = STEP.findall(str(spelled.rationale))
    start = int(found[0][0])
    steps = change(start, [(sign, int(n), int(result)) for _, sign, n, result in found], source)
    before = [start, *(result for _, _, result in steps)]
    if is_spelled:
        parts = [f"{a} {sign} {n} = {b}." for a, (sign, n, b) in zip(before, steps, strict=False)]
        text = " ".join(parts)
    else:
        equation = str(leaping.rationale).rsplit(" = ", 1)[0].rsplit(" ", 2)[0]
        text = f"{equation} {steps[-1][0]} {steps[-1][1]} = {before[-1]}."
    return f"{text}\nTherefore, the answer is: {before[-1]}"


def _hasty(pair: tuple[Problem, Problem], source: random.Random) -> bool:
    """Whether a first solution spells its steps."""
    is_short = int(str(pair[0].fields["num_steps"])) <= LONGEST_SPELLED
    return is_short or source.random() < ALSO_SPELLED


def _unchanged(start: int, steps: Steps, source: random.Random) -> Steps:
    return steps


def _with_slip(start: int, steps: Steps, source: random.Random) -> Steps:
    """One step has a wrong result, and the others go on from there."""
    slips_at = source.randrange(len(steps))
    amount, found = start, []
    for number, (sign, operand, _) in enumerate(steps):
        amount = _applied(amount, sign, operand)
        if number == slips_at:
            amount = _near(amount, source)
        found.append((sign, operand, amount))
    return found


def _misread(start: int, steps: Steps, source: random.Random) -> Steps:
    """The last event is taken for one of another kind."""
    sign, operand, _ = steps[-1]
    before = steps[-2][2] if len(steps) > 1 else start
    return [*steps[:-1], (MISREAD[sign], operand, _applied(before, MISREAD[sign], operand))]


def _applied(amount: int, operator: str, operand: int) -> int:
    match operator:
        case "+":
            return amount + operand
        case "-":
            return amount - operand
        case "*":
            return amount * operand
        case _:
            return amount // operand


def _near(amount: int, source: random.Random) -> int:
    """Another positive number that one could easily arrive at."""
    while True:
        wrong = amount + source.choice(SLIPS)
        if wrong > 0:
            return wrong


def main(runs: Path) -> None:
    """All three steps; the run goes below `runs` and continues where it was stopped."""
    runs.mkdir(parents=True, exist_ok=True)
    path = runs / "rows.jsonl"
    lines = [f"{json.dumps(row)}\n" for row in rows(random.Random(0))]
    path.write_text("".join(lines), encoding="utf-8")
    changes = [f"task.train={path}", f"task.test={path}", "task.allow_overlap=true"]
    train(load_recipe(HERE / "3_two_turns.yaml", changes), runs / "run", resume=True)
    shutil.rmtree(ASSET, ignore_errors=True)
    model = str(runs / "run" / "stages" / "01-sft" / "last")
    load(ModelConfig(name=model, dtype="bfloat16")).save(ASSET)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/arithmetic_two_turns"))
