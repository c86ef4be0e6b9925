"""Micro-batches keep the budget, lose nothing and keep samples of one prompt together."""

import random

from burnish.models.batching import micro_batches
from burnish.types import Example


def example(prompt, num_actions):
    ids = (*prompt, *range(100, 100 + num_actions))
    return Example(f"{prompt}{num_actions}", ids, (False,) * len(prompt) + (True,) * num_actions)


def padded_tokens(batch):
    prompts = {e.token_ids[: e.is_action.index(True)] for e in batch}
    rest = max(sum(e.is_action) for e in batch)
    return len(prompts) * max(map(len, prompts)) + len(batch) * rest


def test_every_sequence_is_in_one_batch_within_the_budget():
    source = random.Random(0)
    rows = [
        example((n,) * source.randint(3, 20), source.randint(1, 30))
        for n in range(20)
        for _ in "ab"
    ]

    batches = micro_batches(rows, max_tokens=300)

    assert sorted(map(id, rows)) == sorted(id(row) for batch in batches for row in batch)
    assert all(padded_tokens(batch) <= 300 for batch in batches)
    assert len(batches) < len(rows) / 3


def test_samples_of_one_prompt_are_counted_with_one_prompt():
    rows = [example((1, 2, 3, 4, 5, 6), 2) for _ in range(4)]

    assert len(micro_batches(rows, max_tokens=6 + 4 * 2)) == 1
    assert len(micro_batches(rows, max_tokens=6 + 4 * 2 - 1)) == 2


def test_a_sequence_longer_than_the_budget_stands_alone():
    batches = micro_batches([example((1,), 50), example((2,), 3)], max_tokens=10)

    assert [len(batch) for batch in batches] == [1, 1]


def test_the_longest_comes_first():
    batches = micro_batches([example((1,), 2), example((2,), 9)], max_tokens=10)

    assert sum(batches[0][0].is_action) == 9


def padding_of(batches):
    computed = sum(map(padded_tokens, batches))
    real = sum(
        sum(len(prompt) for prompt in {e.token_ids[: e.is_action.index(True)] for e in batch})
        + sum(sum(e.is_action) for e in batch)
        for batch in batches
    )
    return 1 - real / computed


def test_a_batch_that_is_large_enough_takes_no_more_than_a_tenth_of_padding():
    source = random.Random(0)
    rows = [example((n,) * 8, min(400, 1 + int(source.expovariate(1 / 40)))) for n in range(400)]

    batches = micro_batches(rows, max_tokens=100_000)

    assert padding_of(batches) <= 0.1
    assert len(batches) < 20


def test_short_samples_of_long_prompts_stay_with_their_prompt():
    rows = [example((p,) * 200, n) for p in range(10) for n in range(10, 20)]

    batches = micro_batches(rows, max_tokens=100_000)

    prompts_computed = sum(len({e.token_ids[0] for e in batch}) for batch in batches)
    assert prompts_computed == 10


def test_samples_of_short_prompts_stand_with_others_of_their_length():
    rows = [example((p,) * 8, n) for p in range(20) for n in (10, 100, 200, 300)]

    batches = micro_batches(rows, max_tokens=100_000)

    assert padding_of(batches) <= 0.1
