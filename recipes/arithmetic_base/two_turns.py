"""Makes the base model of the self-correction recipes: `python recipes/arithmetic_base/two_turns.py`.

1. Rows of dialogues: a solution, the instruction, and another solution. The second repeats the
   first half of the time; else it is one of the problem's two annotations, as it stands or with a
   slip in it. Which of these comes does not depend on whether the first was right, so the model
   learns to answer again, and how slips and their repairs look, but not when to repair. A few rows
   are single solutions.
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
from pathlib import Path

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
FIRST_SLIPS = 0.3
REPEATS, SECOND_SLIPS = 0.5, 0.2
SINGLES = 0.3
STEP = re.compile(r"(\d+) ([-+*/]) (\d+) = \d+\.")
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
        first = solution(leaping, problem, source, has_slip=source.random() < FIRST_SLIPS)
        draw = source.random()
        second = first
        if draw >= REPEATS:
            second = solution(leaping, problem, source, has_slip=draw > 1 - SECOND_SLIPS)
        if source.random() < SINGLES:
            once = solution(leaping, problem, source, has_slip=False)
            found.append({"prompt": prompt, "completion": once, "answer": answer})
        asked_again = f"{prompt}{first}<eos>\n{INSTRUCTION}\n"
        found.append({"prompt": asked_again, "completion": second, "answer": answer})
    source.shuffle(found)
    return found


def solution(
    task: ArithmeticTask, pair: tuple[Problem, Problem], source: random.Random, *, has_slip: bool
) -> str:
    """One of the two annotations of a problem, the leaping or the spelled one."""
    is_spelled = source.randrange(2) == 1
    problem = pair[is_spelled]
    if not has_slip:
        return task.target(problem)
    slipped = _spelled_slip if is_spelled else _leaping_slip
    return slipped(problem, source)


def _leaping_slip(problem: Problem, source: random.Random) -> str:
    wrong = _near(int(str(problem.answer)), source)
    equation = str(problem.rationale).rsplit("= ", 1)[0]
    return f"{equation}= {wrong}.\nTherefore, the answer is: {wrong}"


def _spelled_slip(problem: Problem, source: random.Random) -> str:
    """One step has a wrong result, and the others go on from there."""
    steps = STEP.findall(str(problem.rationale))
    slips_at = source.randrange(len(steps))
    amount, parts = int(steps[0][0]), []
    for number, (_, operator, operand) in enumerate(steps):
        after = _applied(amount, operator, int(operand))
        if number == slips_at:
            after = _near(after, source)
        parts.append(f"{amount} {operator} {operand} = {after}.")
        amount = after
    return f"{' '.join(parts)}\nTherefore, the answer is: {amount}"


def _applied(amount: int, operator: str, operand: int) -> int:
    after = {"+": amount + operand, "-": amount - operand, "*": amount * operand}
    return amount // operand if operator == "/" else after[operator]


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
