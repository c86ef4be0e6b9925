from __future__ import annotations

from dataclasses import replace

import pytest

from burnish.data.follow_up import FollowUp
from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import ConfigError, GraderError
from burnish.graders.config import default_grader_config
from burnish.graders.grader import Grader
from burnish.models.tiny import byte_level_tokenizer, tiny_model
from burnish.rollout.engine import SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.rollout.scripted import ScriptedEngine
from burnish.training.attempts import AttemptCollector, is_own, require_room
from burnish.training.collection import Collector
from burnish.types import GraderFailure, Score, StopReason, Trajectory

TASK = ArithmeticTask(train_size=6, min_steps=1, max_steps=2)
PROBLEMS = TASK.problems("train")
TOKENIZER = byte_level_tokenizer(starts_with_bos=True)
INSTRUCTION = "Once more."
LONG = 2 * "So many words that the limit cuts them off somewhere, before any answer."


def right_at_last(prompt: str, _seed: int) -> str:
    """Wrong first, then too long, then right: by how often the instruction stands in the prompt."""
    problem = next(p for p in PROBLEMS if p.question in prompt)
    turn = prompt.count(INSTRUCTION)
    return ["Therefore, the answer is: 0", LONG, TASK.target(problem)][turn]


def collector(
    script=right_at_last,
    *,
    grader: Grader | None = None,
    turns: int = 2,
    samples: int = 1,
    tokens: int = 60,
) -> AttemptCollector:
    return AttemptCollector(
        Collector(
            engine=ScriptedEngine(TOKENIZER, script),
            renderer=Renderer(TASK, TOKENIZER, max_prompt_tokens=300),
            grader=grader or default_grader_config("numeric").build(),
            task=TASK,
            params=SamplingParams(max_tokens=tokens),
            num_samples=samples,
        ),
        FollowUp(TASK, TOKENIZER, INSTRUCTION),
        turns,
    )


def only(groups) -> Trajectory:
    ((trajectory,),) = (group.trajectories for group in groups)
    return trajectory


def test_attempts_are_segments_of_one_trajectory_with_the_sampled_ids_as_they_were():
    sample = only(collector(turns=3).collect(PROBLEMS[:1], seed=0))
    prompt = Renderer(TASK, TOKENIZER, max_prompt_tokens=300).prompt_ids(PROBLEMS[0])
    between = tuple(TOKENIZER.encode(f"\n{INSTRUCTION}\n", add_special_tokens=False))
    eos = (TOKENIZER.eos_token_id,)
    first = (*TOKENIZER.encode("Therefore, the answer is: 0", add_special_tokens=False), *eos)
    second = tuple(TOKENIZER.encode(LONG, add_special_tokens=False)[:60])
    third = (*TOKENIZER.encode(TASK.target(PROBLEMS[0]), add_special_tokens=False), *eos)
    parts = [(prompt, 0), (first, 1), (between, 0), (second, 1), (between, 0), (third, 1)]
    assert sample.token_ids == sum((ids for ids, _ in parts), ())
    assert sample.is_action == tuple(bool(flag) for ids, flag in parts for _ in ids)
    assert [sample.token_ids[t.start : t.stop] for t in sample.turns] == [first, second, third]


def test_attempt_that_was_cut_off_goes_on_as_it_is_and_is_marked():
    sample = only(collector(turns=3).collect(PROBLEMS[:1], seed=0))
    assert [turn.is_truncated for turn in sample.turns] == [False, True, False]
    cut = sample.turns[1]
    assert sample.token_ids[cut.stop - 1] != TOKENIZER.eos_token_id
    assert cut.score.answer is None
    assert not sample.is_truncated


def test_each_attempt_has_its_verdict_and_the_trajectory_the_last_ones():
    sample = only(collector(turns=3).collect(PROBLEMS[:1], seed=0))
    assert [turn.score.is_correct for turn in sample.turns] == [False, False, True]
    assert sample.score == sample.turns[2].score
    assert sample.text == sample.turns[2].text == TASK.target(PROBLEMS[0])
    assert sample.turns[0].text == "Therefore, the answer is: 0"
    assert sample.stop_reason is StopReason.EOS


def test_log_probabilities_stand_at_their_attempts():
    model = tiny_model("llama", max_positions=512)
    found = collector(turns=2, samples=3, tokens=8)
    inner = found.collector
    engine = LocalEngine(model.network, model.tokenizer)
    renderer = Renderer(TASK, model.tokenizer, max_prompt_tokens=300)
    real = AttemptCollector(
        Collector(engine, renderer, inner.grader, TASK, inner.params, num_samples=3),
        FollowUp(TASK, model.tokenizer, INSTRUCTION),
        2,
    )
    for group in real.collect(PROBLEMS[:2], seed=1):
        for sample in group.trajectories:
            flags = zip(sample.is_action, sample.logp, sample.sampler_logp, strict=True)
            assert all((a < 0) == (b < 0) == flag for flag, a, b in flags)


def test_given_first_attempts_are_context_of_the_last_samples():
    base = collector(lambda *_: "Therefore, the answer is: 9", samples=3)
    given = base.first_attempts(PROBLEMS[:2], seed=4, num=2)
    groups = collector(samples=3).collect(PROBLEMS[:2], seed=4, given=given)
    for group in groups:
        for number, sample in enumerate(group.trajectories):
            first, second = sample.turns
            assert first.text[-1] == "099"[number]
            assert first.score.answer == "099"[number]
            assert second.text == LONG[: len(second.text)]
            assert is_own(sample, first) == (number == 0)
            assert is_own(sample, second)
            flags = sample.is_action
            assert flags[first.start : first.stop] == (number == 0,) * (first.stop - first.start)
            assert all(flags[second.start : second.stop])


@pytest.mark.parametrize("num", [1, 3])
def test_first_attempts_given_by_the_same_model_are_those_it_makes_itself(num):
    """The seeds are those of the samples that they stand in for."""
    model = tiny_model("llama", max_positions=512)
    found = collector(samples=3, tokens=8)
    inner = replace(
        found.collector,
        engine=LocalEngine(model.network, model.tokenizer),
        renderer=Renderer(TASK, model.tokenizer, max_prompt_tokens=300),
    )
    follow_up = FollowUp(TASK, model.tokenizer, INSTRUCTION)
    real = AttemptCollector(inner, follow_up, 2)
    given = real.first_attempts(PROBLEMS[:2], seed=1, num=num)
    mixed = real.collect(PROBLEMS[:2], seed=1, given=given)
    plain = real.collect(PROBLEMS[:2], seed=1)
    for ours, theirs in zip(mixed, plain, strict=True):
        for sample, same in zip(ours.trajectories, theirs.trajectories, strict=True):
            assert sample.token_ids == same.token_ids
            flags = zip(sample.is_action, sample.logp, sample.sampler_logp, strict=True)
            assert all((a < 0) == (b < 0) == flag for flag, a, b in flags)


def test_every_attempt_of_every_sample_has_a_seed_of_its_own():
    seeds: list[int] = []

    def script(_prompt: str, seed: int) -> str:
        seeds.append(seed)
        return "x"

    collector(script, samples=4, turns=3).collect([PROBLEMS[0], PROBLEMS[0]], seed=5)
    assert len(set(seeds)) == 2 * 4 * 3


class FailingAt:
    """Cannot judge some of the attempts, by number; all others earn 1."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers

    def grade(self, pairs) -> list[Score | GraderFailure]:
        return [
            GraderFailure("sandbox", "no room.") if i in self._numbers else Score(1.0, True, "1")
            for i in range(len(pairs))
        ]


def test_sample_of_which_one_attempt_could_not_be_graded_leaves_whole():
    found = collector(samples=20, grader=FailingAt(1, 4, 5))
    (group,) = found.collect(PROBLEMS[:1], seed=0)
    assert len(group.trajectories) == 18
    assert [failure.kind for failure in group.failures] == ["sandbox", "sandbox"]


def test_too_many_failures_stop_the_run():
    with pytest.raises(GraderError, match="could not be graded"):
        collector(samples=2, grader=FailingAt(1)).collect(PROBLEMS[:1], seed=0)


def test_context_too_small_for_all_turns_is_an_error_that_says_by_how_much():
    found = collector()
    renderer, follow_up = found.collector.renderer, found.follow_up
    longest = max(len(renderer.prompt_ids(p)) + 2 * 60 + len(follow_up.ids(p)) for p in PROBLEMS)
    room = {"num_turns": 2, "max_new_tokens": 60}
    require_room(PROBLEMS, renderer, follow_up, max_context=longest, **room)
    require_room(PROBLEMS, renderer, follow_up, max_context=None, **room)
    with pytest.raises(
        ConfigError, match=rf"{longest - 1} tokens is too small for 2 turns.*{longest}"
    ):
        require_room(PROBLEMS, renderer, follow_up, max_context=longest - 1, **room)
