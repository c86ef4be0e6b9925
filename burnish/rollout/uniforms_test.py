import numpy as np
from scipy.stats import kstest

from burnish.rollout.uniforms import seed_keys, uniforms


def grid(num_seeds, num_steps):
    keys = seed_keys(np.arange(num_seeds, dtype=np.uint64))
    steps = np.arange(num_steps, dtype=np.uint64)
    return uniforms(keys.repeat(num_steps), np.tile(steps, num_seeds)).reshape(num_seeds, -1)


def test_numbers_are_uniform_along_seeds_and_along_steps():
    table = grid(400, 400)

    assert kstest(table[:, 0], "uniform").pvalue > 0.01
    assert kstest(table[0], "uniform").pvalue > 0.01
    assert kstest(table.ravel(), "uniform").pvalue > 0.01
    assert table.min() >= 0.0
    assert table.max() <= 1.0 - 2.0**-23


def test_neighbouring_seeds_and_steps_share_no_number():
    table = grid(300, 300)

    # 90,000 draws of 2**23 values: about 480 pairs meet by chance; shifted rows would give 89,000.
    assert len(np.unique(table)) > 89_000
    assert abs(np.corrcoef(table[:-1].ravel(), table[1:].ravel())[0, 1]) < 0.02


def test_numbers_do_not_depend_on_the_batch():
    table = grid(5, 7)
    keys = seed_keys(np.array([3], dtype=np.uint64))

    assert uniforms(keys, np.array([6], dtype=np.uint64))[0] == table[3, 6]
