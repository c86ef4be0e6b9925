from __future__ import annotations

from dataclasses import replace

import pytest

from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.methods.grpo.sampling import (
    DynamicSamplingConfig,
    Sampled,
    sample_groups,
    trajectories_of,
    with_greedy_answers,
)
from burnish.models.tiny import byte_level_tokenizer
from burnish.rollout.engine import SamplingParams
from burnish.rollout.scripted import ScriptedEngine
from burnish.training.collection import Collector
from burnish.training.problem_stream import ProblemStream, RestConfig
from burnish.types import GraderFailure, Group, Problem, Score, StopReason, Trajectory

TASK = ArithmeticTask(train_size=10)
TOKENIZER = byte_level_tokenizer(starts_with_bos=True)
PROBLEMS = [Problem(str(n), f"{n}?", str(n), fields={"num_steps": 1}) for n in range(6)]


def sample(name: str, right: bool, reward: float, stop: StopReason = StopReason.EOS) -> Trajectory:
    blank = (0.0, 0.0)
    score = Score(reward, right, None)
    return Trajectory(name, (1, 2), (False, True), blank, blank, score, stop, "")


class Alternate:
    """Of even problems every other answer is right, of odd ones none; a lone answer earns 0.25, but
    that to problem 4 cannot be judged."""

    def grade(self, pairs) -> list[Score | GraderFailure]:
        alone = len({problem.id for problem, _ in pairs}) == len(pairs)
        return [self._judged(problem, number, alone) for number, (problem, _) in enumerate(pairs)]

    def _judged(self, problem: Problem, number: int, alone: bool) -> Score | GraderFailure:
        if alone:
            is_judged = problem.id != "4"
            return Score(0.25, False, None) if is_judged else GraderFailure("exception", "no")
        right = int(problem.id) % 2 == 0 and number % 2 == 0
        return Score(float(right), right, None)


def collector() -> Collector:
    return Collector(
        engine=ScriptedEngine(TOKENIZER, lambda prompt, seed: str(seed)),
        renderer=Renderer(TASK, TOKENIZER, max_prompt_tokens=300),
        grader=Alternate(),
        task=TASK,
        params=SamplingParams(max_tokens=30),
        num_samples=2,
        max_failure_share=1.0,
    )


def sampled(
    dynamic: DynamicSamplingConfig | None, batch_size: int = 3
) -> tuple[Sampled, ProblemStream]:
    stream = ProblemStream(PROBLEMS, seed=1)
    return (
        sample_groups(collector(), stream, batch_size=batch_size, dynamic=dynamic, seed=7),
        stream,
    )


def names(found: Sampled) -> list[str]:
    return [group.problem.id for group in found.groups]


def test_without_dynamic_sampling_the_next_problems_are_the_batch():
    found, stream = sampled(None)
    assert names(found) == [p.id for p in ProblemStream(PROBLEMS, seed=1).draw(3)]
    assert stream.num_drawn == 3
    assert (found.metrics["group/rounds"], found.metrics["group/kept"]) == (1.0, 1.0)


def test_dynamic_sampling_asks_for_as_many_as_are_wanted_until_the_batch_is_full():
    found, stream = sampled(DynamicSamplingConfig())
    order = [p.id for p in ProblemStream(PROBLEMS, seed=1).draw(stream.num_drawn)]
    assert names(found) == [name for name in order if int(name) % 2 == 0]
    assert len(names(found)) == 3 < stream.num_drawn
    assert found.metrics["group/kept"] == pytest.approx(3 / stream.num_drawn)
    assert found.metrics["group/rounds"] > 1
    assert found.metrics["rollout/accuracy"] == pytest.approx(0.5 * 3 / stream.num_drawn)


def test_a_problem_that_is_asked_again_in_a_step_is_answered_anew():
    found, _ = sampled(DynamicSamplingConfig(), batch_size=7)
    texts = [t.text for group in found.groups for t in group.trajectories]
    assert len(set(names(found))) < len(names(found))
    assert len(set(texts)) == len(texts)


def test_rounds_are_bounded():
    found, stream = sampled(DynamicSamplingConfig(max_rounds=1))
    assert len(found.groups) < 3 == stream.num_drawn


def test_what_samples_were_worth_is_noted_by_the_stream():
    stream = ProblemStream(PROBLEMS, seed=1, rest=RestConfig())
    found = sample_groups(collector(), stream, batch_size=6, dynamic=None, seed=7)
    assert found.metrics["problems/resting"] == 0.5


def test_groups_with_unequal_rewards_can_be_enough():
    groups = [
        Group(PROBLEMS[0], (sample("0", False, 0.0), sample("0", False, 0.1))),
        Group(PROBLEMS[1], (sample("1", False, 0.1), sample("1", True, 0.1))),
        Group(PROBLEMS[2], ()),
    ]
    by_right, by_reward = DynamicSamplingConfig(), DynamicSamplingConfig(keep="unequal")
    assert [by_right.keeps(group) for group in groups] == [False, True, False]
    assert [by_reward.keeps(group) for group in groups] == [True, False, False]


def test_problems_whose_greedy_answer_cannot_be_graded_are_left_out():
    found, _ = sampled(None, batch_size=6)
    params = SamplingParams(max_tokens=9, temperature=0.0)
    greedy = with_greedy_answers(found, collector(), params, seed=1)
    assert greedy.greedy == dict.fromkeys(("0", "1", "2", "3", "5"), 0.25)
    assert set(names(greedy)) == set(greedy.greedy)


def test_cut_answers_are_dropped_on_demand():
    cut = sample("0", False, 0.0, StopReason.LENGTH)
    groups = [Group(PROBLEMS[0], (cut, sample("0", True, 1.0)))]
    assert len(trajectories_of(groups, "graded")) == 2
    assert [t.score.reward for t in trajectories_of(groups, "dropped")] == [1.0]
    assert trajectories_of([replace(groups[0], trajectories=(cut,))], "dropped") == []
