from __future__ import annotations

import pytest

from burnish.errors import EngineError
from burnish.models.tiny import byte_level_tokenizer
from burnish.rollout.conftest import build_network
from burnish.rollout.local import LocalEngine
from burnish.rollout.scripted import ScriptedEngine
from burnish.rollout.step_proposer import StepLimits, StepProposer
from burnish.rollout.stopping import decode
from burnish.search.asks import End, Prefix, ProposalRequest, Step
from burnish.search.steps import NewlineSteps, SentenceSteps, StatementSteps

TOKENIZER = byte_level_tokenizer()
QUESTION = "How many apples?"
PROMPT = tuple(TOKENIZER.encode(QUESTION))
SOLUTION = "Mr. Ada has 12 apples. apples are 3.5 boxes.\nTherefore, the answer is: 7"
STEPS = ["Mr. Ada has 12 apples.", " apples are 3.5 boxes.\n", "Therefore, the answer is: 7"]
ROOT = Prefix("t", QUESTION, 0, ())


class CountingEngine(ScriptedEngine):
    """Says the solution from wherever it has come to, and how it was asked."""

    def __init__(self, solution: str = SOLUTION) -> None:
        self.asked: list[tuple[int, int]] = []
        super().__init__(TOKENIZER, lambda p, _: solution[len(p) - len(QUESTION) :])

    def sample(self, requests, params):
        self.asked.append((len(requests), params.max_tokens))
        return super().sample(requests, params)


def proposer(engine=None, *, steps=None, max_tokens=200, max_step_tokens=60) -> StepProposer:
    return StepProposer(
        engine or CountingEngine(),
        TOKENIZER,
        steps=steps or SentenceSteps(),
        limits=StepLimits(max_tokens, max_step_tokens, temperature=0.7),
        prompts={"t": PROMPT},
    )


def proposed(asked: StepProposer, prefix: Prefix = ROOT, *, max_steps: int | None = 1):
    ((found,),) = asked.propose([ProposalRequest(prefix, (1,), max_steps)])
    return found


def walked(asked: StepProposer) -> Prefix:
    prefix = ROOT
    while not prefix.steps or prefix.steps[-1].end == End.OPEN:
        prefix = prefix.followed_by(*proposed(asked, prefix))
    return prefix


def test_step_by_step_gives_the_tokens_of_the_whole_solution():
    found = walked(proposer())
    whole = [*TOKENIZER.encode(SOLUTION), TOKENIZER.eos_token_id]
    assert list(found.token_ids) == whole
    assert [step.text for step in found.steps] == STEPS
    assert [step.end for step in found.steps] == [End.OPEN, End.OPEN, End.FINAL]
    for step in found.steps:
        assert decode(TOKENIZER, step.token_ids) == step.text


def test_what_shows_the_end_of_a_step_is_paid_for_and_not_part_of_it():
    (step,) = proposed(proposer())
    assert step.text == STEPS[0]
    assert step.num_tokens > len(step.token_ids)
    (last,) = proposed(proposer(), Prefix("t", QUESTION, 2, walked(proposer()).steps[:2]))
    assert last.num_tokens == len(last.token_ids)


def test_several_steps_at_once_are_those_of_one_at_a_time():
    one_by_one = walked(proposer()).steps
    two = proposed(proposer(), max_steps=2)
    assert [step.token_ids for step in two] == [step.token_ids for step in one_by_one[:2]]
    assert two[-1].end == End.OPEN
    for max_steps in (5, None):
        found = proposed(proposer(), max_steps=max_steps)
        assert [step.token_ids for step in found] == [step.token_ids for step in one_by_one]
        assert found[-1].end == End.FINAL
        assert sum(step.num_tokens for step in found) == sum(len(s.token_ids) for s in found)


def test_a_whole_solution_is_sampled_in_one_call():
    engine = CountingEngine()
    proposed(proposer(engine), max_steps=None)
    assert engine.asked == [(1, 200)]


def test_a_step_without_an_end_is_cut_at_its_limit_and_marked():
    (step,) = proposed(proposer(max_step_tokens=3))
    assert step.end == End.CUT
    assert len(step.token_ids) == step.num_tokens == 3
    found = proposed(proposer(max_tokens=10), max_steps=None)
    assert found[-1].end == End.CUT
    assert sum(len(step.token_ids) for step in found) == 10


def test_the_limit_of_a_solution_counts_the_steps_before():
    first, second, *_ = walked(proposer()).steps
    num_before = len(first.token_ids) + len(second.token_ids)
    prefix = ROOT.followed_by(first, second)
    (step,) = proposed(proposer(max_tokens=num_before + 2), prefix)
    assert (step.end, len(step.token_ids)) == (End.CUT, 2)
    engine = CountingEngine()
    (nothing,) = proposed(proposer(engine, max_tokens=num_before), prefix)
    assert nothing == Step("", 0, (), End.CUT)
    assert engine.asked == []


def test_steps_that_are_complete_at_the_limit_are_not_cut():
    engine = CountingEngine("One.\nTwo.\nThree.\n")
    size = len(TOKENIZER.encode("One.\n"))
    found = proposed(proposer(engine, steps=NewlineSteps(), max_tokens=size), max_steps=2)
    assert [(step.text, step.end) for step in found] == [("One.\n", End.OPEN)]


def test_the_end_alone_is_a_step_without_words():
    (step,) = proposed(proposer(CountingEngine("")))
    assert step == Step("", 1, tuple(TOKENIZER.encode("<eos>")), End.FINAL)


@pytest.mark.parametrize(
    ("steps", "solution", "first"),
    [
        (NewlineSteps(), "\n\n12 - 5 = 7\nso 7", "\n\n12 - 5 = 7\n"),
        (
            StatementSteps(),
            "    if a:\n        b = 1\n    c = 2\n    d = 3\n",
            "    if a:\n        b = 1",
        ),
    ],
    ids=["empty lines", "a block"],
)
def test_sampling_goes_on_past_a_stop_that_ends_no_step(steps, solution, first):
    engine = CountingEngine(solution)
    (step,) = proposed(proposer(engine, steps=steps))
    assert step.text == first
    assert step.end == End.OPEN
    assert len(engine.asked) > 1


def test_all_that_is_asked_at_once_is_sampled_at_once():
    engine = CountingEngine("12 - 5 = 7\nso 7\n")
    requests = [ProposalRequest(ROOT, (1, 2, 3)), ProposalRequest(ROOT, (4,))]
    found = proposer(engine, steps=NewlineSteps()).propose(requests)
    assert [len(group) for group in found] == [3, 1]
    assert engine.asked == [(4, 60)]


def test_solutions_of_different_lengths_are_sampled_at_once():
    engine = CountingEngine()
    first, second, *_ = walked(proposer()).steps
    num_before = [0, len(first.token_ids), len(first.token_ids + second.token_ids)]
    prefixes = [ROOT, ROOT.followed_by(first), ROOT.followed_by(first, second)]
    limit = num_before[-1] + 4
    asked = proposer(engine, max_tokens=limit, max_step_tokens=100)

    found = asked.propose([ProposalRequest(prefix, (1,), None) for prefix in prefixes])

    assert engine.asked == [(3, limit)]
    sampled = [sum(len(step.token_ids) for step in steps) for (steps,) in found]
    assert sampled == [limit - before for before in num_before]


def test_a_continuation_depends_on_its_seed_and_not_on_the_batch(tokenizer):
    engine = LocalEngine(build_network("llama"), tokenizer, max_concurrent=5)
    prompts = {f"t{n}": tuple(tokenizer.encode("How many" + "?" * n)) for n in range(4)}
    asked = StepProposer(
        engine,
        tokenizer,
        steps=NewlineSteps(),
        limits=StepLimits(60, 25, temperature=1.0),
        prompts=prompts,
    )
    requests = [
        ProposalRequest(Prefix(name, "", 0, ()), (seed, seed + 9), max_steps)
        for seed, name in enumerate(prompts)
        for max_steps in (1, 3, None)
    ]
    together = asked.propose(requests)
    alone = [
        asked.propose([ProposalRequest(r.prefix, (seed,), r.max_steps)])[0][0]
        for r in requests
        for seed in r.seeds
    ]
    assert [steps for group in together for steps in group] == alone
    assert len({step.token_ids for steps in alone for step in steps}) > len(requests)
    assert {steps[-1].end for steps in alone} >= {End.CUT, End.OPEN}
    for steps in alone:
        joined = [token for step in steps for token in step.token_ids]
        assert "".join(step.text for step in steps) == decode(tokenizer, joined)


def test_what_is_sampled_after_a_pause_does_not_repeat_the_seed():
    seeds: list[int] = []

    def script(_prompt: str, seed: int) -> str:
        seeds.append(seed)
        return "\n" if len(seeds) < 3 else "12 - 5\n"

    proposed(proposer(ScriptedEngine(TOKENIZER, script), steps=NewlineSteps()))
    assert seeds[0] == 1
    assert len(set(seeds)) == 3


def test_a_tree_of_another_question_and_advice_are_errors():
    with pytest.raises(EngineError, match="'other' asks a question that was not given"):
        proposed(proposer(), Prefix("other", QUESTION, 0, ()))
    with pytest.raises(EngineError, match="self_critic: none"):
        proposer().propose([ProposalRequest(ROOT, (1,), advice="Hurry.")])
