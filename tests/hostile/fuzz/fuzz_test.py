"""Broken input of every kind is read or explained: the seeds, and changes of them by fixed chance.

`explore.py` beside this file looks for more of them, guided by coverage.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.hostile.fuzz.corpus import SEEDS, changed
from tests.hostile.fuzz.targets import TARGETS

CHANGES_OF_A_SEED = 12


def test_every_target_has_seeds():
    assert SEEDS.keys() == TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_broken_input_is_read_or_explained(name):
    chance = Random(name)
    for seed in SEEDS[name]:
        TARGETS[name](seed)
        for _ in range(CHANGES_OF_A_SEED):
            data = changed(seed, chance)
            try:
                TARGETS[name](data)
            except Exception as error:
                error.add_note(f"found by {name} with {data!r}")
                raise
