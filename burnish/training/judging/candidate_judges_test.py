from __future__ import annotations

import pytest

from burnish.training.candidate_pairs import Judgement
from burnish.training.judging.candidate_judges import GradingJudge, PairsJudge, ScoresJudge
from burnish.training.judging.labels import AnswerScore, PairLabel
from burnish.training.judging.options import JudgeTokens
from burnish.training.samples import GradedSample
from burnish.types import GraderFailure, Problem, Score, StopReason

CHANCES = {("a", "b"): 0.9, ("a", "c"): 0.6, ("b", "c"): 0.2, ("d", "e"): 0.5}


def sample(problem_id: str, text: str) -> GradedSample:
    return GradedSample(problem_id, (1,), (2,), text, Score(0.0, False, None), StopReason.EOS)


def judged(judge, *candidates: GradedSample) -> list[Judgement]:
    problems = [Problem(candidate.problem_id, "Which?", None) for candidate in candidates]
    return judge.judge(problems, candidates, seed=1)


class Compares:
    asked: list[tuple[str, str]]

    def label(self, pairs, *, seed):
        self.asked = [(pair.first, pair.second) for pair in pairs]
        return [
            PairLabel("x", CHANCES.get(texts), tokens=JudgeTokens(10, 1)) for texts in self.asked
        ]


def test_score_is_the_mean_chance_against_the_others_of_the_problem():
    judge = Compares()
    candidates = [
        sample("p", "a"),
        sample("q", "d"),
        sample("p", "b"),
        sample("p", "c"),
        sample("q", "e"),
    ]
    found = judged(PairsJudge(judge), *candidates)
    assert judge.asked == [("a", "b"), ("a", "c"), ("b", "c"), ("d", "e")]
    assert [judgement.score for judgement in found] == pytest.approx(
        [(0.9 + 0.6) / 2, 0.5, (0.1 + 0.2) / 2, (0.4 + 0.8) / 2, 0.5]
    )
    assert [judgement.num_tokens for judgement in found] == [22, 11, 11, 0, 0]


def test_equal_answers_are_a_tie_and_cost_nothing():
    judge = Compares()
    found = judged(PairsJudge(judge), sample("p", "x"), sample("p", " x "))
    assert judge.asked == []
    assert found == [Judgement(0.5), Judgement(0.5)]


def test_answer_of_which_nothing_is_said_has_no_score_but_costs():
    found = judged(PairsJudge(Compares()), sample("p", "y"), sample("p", "z"))
    assert found == [Judgement(None, 11), Judgement(None, 0)]


def test_scores_are_taken_as_they_are():
    class Scores:
        def score(self, answers, *, seed):
            return [AnswerScore(0.5, JudgeTokens(7, 1)), AnswerScore(None, JudgeTokens(7, 1), "no")]

    found = judged(ScoresJudge(Scores()), sample("p", "a"), sample("p", "b"))
    assert found == [Judgement(0.5, 8), Judgement(None, 8)]


def test_what_a_grader_cannot_grade_has_no_score():
    class Grades:
        def grade(self, pairs):
            assert [completion.text for _, completion in pairs] == ["a", "b"]
            return [Score(2.0, False, None), GraderFailure("x", "y")]

    found = judged(GradingJudge(Grades()), sample("p", "a"), sample("p", "b"))
    assert found == [Judgement(2.0), Judgement(None)]
