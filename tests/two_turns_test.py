"""Every task can be asked twice: the default instruction asks for an attempt that can be graded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pydantic
import pytest

from burnish.data.follow_up import CorrectionConfig, FollowUp
from burnish.data.rendering import Renderer
from burnish.data.tasks import TaskConfig
from burnish.data.tasks.task import Task
from burnish.evaluation.attempts import evaluate_attempts
from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.self_correction import self_correction_metrics
from burnish.graders.config import default_grader_config
from burnish.models.tiny import byte_level_tokenizer, tiny_model
from burnish.rollout.engine import Engine, SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.rollout.scripted import ScriptedEngine
from burnish.types import Json, Problem, Score

CHAT_TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
WORD_PROBLEM = {"item_id": "s1", "question": "Ida has 3 eggs and 4.", "answer_value": "7.0"}
MBPP = [
    {
        "task_id": number,
        "text": f"Write add_{number}.",
        "code": f"def add_{number}(n):\n    return n + {number}",
        "test_list": [f"assert add_{number}(1) == {number + 1}"],
        "test_setup_code": "",
    }
    for number in (2, 3, 4, 11)
]
FILES: Mapping[str, Sequence[Mapping[str, Json]]] = {
    "svamp/test.jsonl": [WORD_PROBLEM],
    "gsm8k/test.jsonl": [{"question": "Ida has 3 eggs and 4.", "answer": "3+4=7\n#### 7"}],
    "mathqa/numeric_test.jsonl": [WORD_PROBLEM],
    "mathqa/mcq_test.jsonl": [{**WORD_PROBLEM, "answer_value": "c"}],
    "math500/test.jsonl": [
        {"problem": "Half of $x$?", "solution": "\\boxed{\\frac{x}{2}}", "answer": "\\frac{x}{2}"}
    ],
    "scibench/test.jsonl": [
        {"problem_text": "How far?", "answer_number": "7", "unit": "$10^3$ m", "source": "own"}
    ],
    "mbpp/mbpp.jsonl": MBPP,
    "attempts.jsonl": [{"id": "mbpp_11", "answer": "def add_11(n): return 0", "is_correct": False}],
    "humaneval/test.jsonl": [
        {
            "task_id": "Own/0",
            "prompt": 'import math\n\n\ndef area(r):\n    """Of a circle."""\n',
            "canonical_solution": "    return math.pi * r ** 2\n",
            "test": "def check(candidate):\n    assert candidate(0) == 0\n",
            "entry_point": "area",
        }
    ],
}
STYLED = ["svamp-ncot", "svamp-pcot", "gsm8k-ncot", "gsm8k-pcot"]
OTHERS = ["math500", "scibench", "mbpp", "mbpp_repair", "humaneval"]
ASKED = [
    ("arithmetic-ncot", "text"),
    ("arithmetic-pcot", "text"),
    ("replies", "text"),
    *[(f"mathqa-{style}-{v}", "text") for style in ("ncot", "pcot") for v in ("numeric", "mcq")],
    *[(name, form) for name in STYLED + OTHERS for form in ("text", "chat")],
]


@pytest.fixture
def task(request, tmp_path: Path) -> Task:
    for name, rows in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    name, form = request.param
    kind, style, variant, *_ = [*name.split("-"), "", ""]
    settings: dict[str, Json] = {"type": kind}
    settings |= {"test_size": 2} if kind in ("arithmetic", "replies") else {"folder": str(tmp_path)}
    settings |= {"style": style} if style else {}
    settings |= {"variant": variant} if variant else {}
    settings |= {"form": form} if form == "chat" else {}
    settings |= {"attempts": str(tmp_path / "attempts.jsonl")} if kind == "mbpp_repair" else {}
    return pydantic.TypeAdapter(TaskConfig).validate_python(settings)


def written(task: Task, problem: Problem, answer: str) -> str:
    """An attempt as a model would write it: in text it goes on, in a chat it is whole."""
    match task.answer_kind:
        case "numeric" | "math" | "quantity" | "multiple_choice":
            return f"I count.\nTherefore, the answer is: {answer}"
        case "program" | "program_choice":
            body = f"    return {answer if answer[0].isdecimal() else repr(answer)}"
            return f"```python\ndef solution():\n{body}\n```" if problem.messages else body
        case "open":
            return answer
        case _:
            return f"```python\n{answer}\n```" if problem.messages else answer


def scripted(task: Task, tokenizer) -> Engine:
    """Wrong at first, right once the default instruction has been put."""

    def answer(prompt: str, seed: int) -> str:
        problem = next(p for p in task.problems("test") if p.question in prompt)
        times = 2 if "_repair_" in problem.id else 1  # the task itself has the instruction once
        if prompt.count("may contain a mistake") < times:
            return written(task, problem, "1")
        is_body = task.answer_kind == "code_tests" and not problem.messages
        gold = problem.rationale if is_body else problem.answer
        return written(task, problem, str(gold))

    return ScriptedEngine(tokenizer, answer)


def asked_twice(task: Task, engine: Engine, tokenizer, max_tokens: int) -> list[Evaluation]:
    renderer = Renderer(task, tokenizer, max_prompt_tokens=4000)
    return evaluate_attempts(
        engine,
        default_grader_config(task.answer_kind).build(),
        [(problem, renderer.prompt_ids(problem)) for problem in task.problems("test")],
        SamplingParams(max_tokens=max_tokens),
        follow_up=FollowUp(task, tokenizer, CorrectionConfig().instruction),
        num_turns=2,
        num_samples=1,
        seed=3,
    )


def chat_tokenizer():
    tokenizer = byte_level_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


@pytest.mark.parametrize("task", ASKED, indirect=True, ids="-".join)
def test_second_attempt_is_asked_for_in_a_form_that_is_graded(task):
    tokenizer = chat_tokenizer()
    turns = asked_twice(task, scripted(task, tokenizer), tokenizer, max_tokens=400)
    metrics = self_correction_metrics(turns)
    fixed = metrics["t1-t2"]
    assert isinstance(fixed, dict)
    assert fixed["counts"] == {"kept": 0, "broken": 0, "missed": 0, "fixed": len(turns[0].rows)}
    for row in turns[1].rows:
        prompt = str(tokenizer.decode([*row.completions[0].prompt_ids]))
        opening = "[assistant]" if row.problem.messages else task.opening(row.problem)
        assert prompt.endswith(opening)
        assert "{" not in prompt.rpartition("may contain a mistake")[2].removesuffix(opening)


@pytest.mark.parametrize("task", ASKED, indirect=True, ids="-".join)
def test_a_models_own_tokens_are_continued_and_graded_in_both_turns(task):
    tokenizer = chat_tokenizer()
    model = tiny_model("llama", max_positions=4096, tokenizer=tokenizer)
    engine = LocalEngine(model.network, tokenizer, max_concurrent=4)
    first, second = asked_twice(task, engine, tokenizer, max_tokens=6)
    for before, after in zip(first.rows, second.rows, strict=True):
        early, late = before.completions[0], after.completions[0]
        sampled = early.prompt_ids + early.token_ids
        assert late.prompt_ids[: len(sampled)] == sampled
        assert isinstance(before.verdicts[0], Score)
        assert isinstance(after.verdicts[0], Score)
