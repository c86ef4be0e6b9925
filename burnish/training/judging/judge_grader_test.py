from __future__ import annotations

from burnish.data.tasks.replies import RepliesTask
from burnish.training.judging.judge_grader import JudgeGrader, TrueRewardGrader
from burnish.training.judging.labels import AnswerScore
from burnish.training.judging.options import NEITHER, JudgeTokens
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

TASK = RepliesTask(train_size=1, dev_size=1, test_size=1)


def completion(text: str) -> Completion:
    return Completion((1,), (2,), (0.0,), (0.0,), text, StopReason.EOS)


class ScriptedJudge:
    def score(self, answers, *, seed):
        assert seed == 7
        said = {
            "good": AnswerScore(0.5, JudgeTokens(30, 1)),
            "odd": AnswerScore(None, JudgeTokens(20, 1), NEITHER),
        }
        return [said[text] for _, text in answers]


def test_judge_pays_its_score_and_says_what_it_cost():
    problem = Problem("p", "Which?", None)
    pairs = [(problem, completion("good")), (problem, completion("odd"))]
    grader = JudgeGrader(ScriptedJudge(), seed=7)
    paid, failed = grader.grade(pairs)
    assert paid == Score(0.5, False, "good")
    assert isinstance(failed, GraderFailure)
    assert failed.kind == NEITHER
    grader.grade(pairs)
    assert grader.spent == JudgeTokens(2 * (30 + 20), 2 * (1 + 1))


def test_true_reward_is_told_where_it_is_known(attempts_bench):
    (problem,) = TASK.problems("train")
    best, worst = TrueRewardGrader(TASK).grade(
        [(problem, completion(str(problem.answer))), (problem, completion("Good luck."))]
    )
    assert isinstance(best, Score)
    assert isinstance(worst, Score)
    assert (best.reward, best.is_correct, worst.reward, worst.is_correct) == (1.0, True, 0.0, False)
    (unknown,) = TrueRewardGrader(attempts_bench.task).grade([(problem, completion("x"))])
    assert unknown == Score(0.0, False, "x")
