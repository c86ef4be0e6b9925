from burnish.data.tasks.replies import RepliesTask
from burnish.graders.gold_reply import GoldReplyConfig
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

TASK = RepliesTask(train_size=3)


def graded(problem, text):
    completion = Completion((), (), (), (), text, StopReason.EOS)
    (verdict,) = GoldReplyConfig().build().grade([(problem, completion)])
    return verdict


def test_a_model_reply_earns_one_and_a_lesser_one_less():
    problem, *_ = TASK.problems("train")
    best = graded(problem, str(problem.answer))
    assert isinstance(best, Score)
    assert abs(best.reward - 1.0) < 1e-9
    assert best.is_correct
    assert best.parts == {"helpful": 4.0, "honest": 4.0, "kind": 4.0, "brief": 4.0}
    lesser = graded(problem, str(problem.answer).removesuffix(" Good luck."))
    assert isinstance(lesser, Score)
    assert 0 < lesser.reward < 1
    assert not lesser.is_correct


def test_the_prompt_and_silence_earn_nothing():
    problem, *_ = TASK.problems("train")
    for text in (TASK.prompt(problem), ""):
        found = graded(problem, text)
        assert isinstance(found, Score)
        assert (found.reward, found.is_correct) == (0.0, False)


def test_a_problem_of_another_task_fails_and_is_paid_nothing():
    found = graded(Problem("q", "Why?", None), "So.")
    assert isinstance(found, GraderFailure)
    assert "Name a grader" in found.message
