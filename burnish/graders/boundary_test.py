"""Whatever a grader raises is a counted failure of that sample, and of no other."""

from burnish.errors import DataError, SandboxError
from burnish.graders.boundary import Guarded
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


def pairs(*texts):
    return [(Problem(t, "", t), Completion((), (), (), (), t, StopReason.EOS)) for t in texts]


class PickyGrader:
    """Raises at the texts it has an exception for; counts how often it is asked."""

    def __init__(self, **exceptions):
        self.exceptions = exceptions
        self.num_calls = 0

    def grade(self, pairs) -> list[Score | GraderFailure]:
        self.num_calls += 1
        for _, completion in pairs:
            if completion.text in self.exceptions:
                raise self.exceptions[completion.text]
        return [Score(1.0, True, completion.text) for _, completion in pairs]


def test_a_grader_that_does_not_raise_is_asked_once():
    grader = PickyGrader()
    right = [Score(1.0, True, "a"), Score(1.0, True, "b")]
    assert Guarded(grader).grade(pairs("a", "b")) == right
    assert grader.num_calls == 1


def test_an_exception_fails_its_own_sample_only():
    grader = PickyGrader(b=ZeroDivisionError("oh"), d=DataError("no gold"))
    verdicts = Guarded(grader).grade(pairs("a", "b", "c", "d"))
    assert verdicts == [
        Score(1.0, True, "a"),
        GraderFailure("exception", "ZeroDivisionError: oh"),
        Score(1.0, True, "c"),
        GraderFailure("gold_answer", "DataError: no gold"),
    ]


def test_without_a_sandbox_the_whole_batch_fails_without_trying_each():
    grader = PickyGrader(b=SandboxError("down"))
    verdicts = Guarded(grader).grade(pairs("a", "b", "c"))
    assert verdicts == [GraderFailure("sandbox", "SandboxError: down")] * 3
    assert grader.num_calls == 1


def test_too_few_verdicts_are_a_failure():
    class Lazy:
        def grade(self, pairs):
            return []

    verdicts = Guarded(Lazy()).grade(pairs("a", "b"))
    assert [isinstance(v, GraderFailure) and v.kind for v in verdicts] == ["grader", "grader"]


def test_no_pairs_are_no_verdicts():
    assert Guarded(PickyGrader()).grade([]) == []
