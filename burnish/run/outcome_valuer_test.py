from __future__ import annotations

from pathlib import Path

import pytest
import torch

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.graders.config import default_grader_config
from burnish.methods.reranker.judging import CompletionVerifier
from burnish.models.config import ModelConfig
from burnish.run.outcome_valuer import OutcomeValuer
from burnish.search.asks import End, Prefix, Step
from burnish.training.tree_questions import Questions
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench
from burnish.types import Completion, StopReason

STEPS = (Step("3 + 4 = 7\n", 1), Step("It is 7.", 1, (), End.FINAL))


@pytest.fixture
def bench(model_folder: Path) -> Workbench:
    torch.manual_seed(5)
    return Workbench(
        model=ModelConfig(name=str(model_folder)),
        task=ArithmeticTask(test_size=2),
        grader=default_grader_config("numeric").build(),
        lengths=LengthConfig(max_prompt_tokens=200, max_new_tokens=60),
        compute=ComputeConfig(device="cpu", dtype="float32"),
        seed=1,
    )


def test_solutions_are_judged_as_a_reranker_judges_and_charged_without_their_question(bench):
    verifier = bench.start_verifier()
    renderer = bench.renderer(verifier)
    one, two = bench.problems("test")
    questions = Questions({"a": one, "b": two}, {})
    valuer = OutcomeValuer(verifier, renderer, questions, max_tokens=500)
    unfinished = Prefix("a", "", 0, STEPS[:1])
    finished = Prefix("a", "", 0, STEPS)
    other = Prefix("b", "", 0, STEPS)

    found = valuer.value([unfinished, finished, other])

    judge = CompletionVerifier(verifier, renderer, max_tokens=500)

    def judged(problem, text: str, reason: StopReason) -> float:
        (value,) = judge(problem, [Completion((), (), (), (), text, reason)])
        return value

    text = "3 + 4 = 7\nIt is 7."
    expected = [
        judged(one, "3 + 4 = 7\n", StopReason.LENGTH),
        judged(one, text, StopReason.EOS),
        judged(two, text, StopReason.EOS),
    ]
    assert [valuation.value for valuation in found] == pytest.approx(expected, abs=1e-6)
    assert len(set(expected)) == 3
    encode = verifier.tokenizer.encode
    sizes = [len(encode(t, add_special_tokens=False)) for t in ("3 + 4 = 7\n", text)]
    assert [v.num_tokens for v in found] == [sizes[0], sizes[1] + 1, sizes[1] + 1]
