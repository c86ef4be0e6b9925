from __future__ import annotations

from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.metrics import greedy_metrics
from burnish.evaluation.rules import rule_intervals
from burnish.graders.grader import Grader
from burnish.graders.numeric import NumericConfig
from burnish.graders.quantity import QuantityConfig
from burnish.types import Completion, Problem, StopReason


def evaluation(grader: Grader, *rows: tuple[str, ...]) -> Evaluation:
    evaluated = []
    for number, answers in enumerate(rows):
        problem = Problem(f"p{number}", "?", "500")
        texts = [f"Therefore, the answer is: {answer}" for answer in answers]
        completions = tuple(Completion((), (1,), (), (), t, StopReason.EOS) for t in texts)
        verdicts = tuple(grader.grade([(problem, c) for c in completions]))
        evaluated.append(EvaluatedProblem(problem, completions, verdicts))
    return Evaluation(tuple(evaluated))


def test_accuracy_by_each_rule_is_a_mean_over_problems():
    judged = evaluation(QuantityConfig().build(), ("500", "503"), ("510", "9"), ("9", "none"))
    found = {name: interval.value for name, interval in rule_intervals(judged).items()}
    assert found == {
        "right_by_benchmark": (1 + 0.5 + 0) / 3,
        "right_by_first_release": (0.5 + 0 + 0) / 3,
        "right_by_strict": (1 + 0 + 0) / 3,
    }


def test_rules_stand_beside_the_accuracy_and_other_graders_have_none():
    judged = evaluation(QuantityConfig(rule="strict").build(), ("510",), ("500",))
    metrics = greedy_metrics(judged)
    assert metrics["right_by_strict"] == metrics["greedy"]
    assert metrics["right_by_benchmark"] != metrics["greedy"]
    assert rule_intervals(evaluation(NumericConfig().build(), ("500",))) == {}
