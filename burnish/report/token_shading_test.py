from __future__ import annotations

import pytest

from burnish.report.token_shading import token_shading


def row(reward=1.0, step=1, **columns):
    base = {
        "stage": "reft",
        "step": step,
        "problem_id": f"p{reward}",
        "reward": reward,
        "tokens": ["5", "\n"],
        "logp": [-0.1, -0.5],
        "ref_logp": [-0.4, -0.3],
        "value": [0.5, 0.6],
        "advantage": [2.0, -1.0],
        "token_reward": [0.0, 1.0],
    }
    return base | columns


def test_advantage_and_kl_become_signed_strengths():
    found = token_shading([row()])
    assert found is not None
    first, second = found.samples[0].tokens
    assert (first.advantage, second.advantage) == (1.0, -0.5)
    assert (first.kl, second.kl) == (1.0, pytest.approx(-0.667))
    assert (found.full_advantage, found.full_kl) == ("2", "0.3")


def test_the_summed_kl_is_the_log_ratio_of_the_sample():
    found = token_shading([row()])
    assert found is not None
    assert found.samples[0].kl == "0.1"


def test_the_tooltip_names_every_number():
    found = token_shading([row()])
    assert found is not None
    tip = dict(found.samples[0].tokens[1].tip)
    assert tip == {
        "token": repr("\n"),
        "log-prob, policy": "-0.500",
        "log-prob, reference": "-0.300",
        "KL (k1)": "-0.200",
        "value": "+0.600",
        "advantage": "-1.000",
        "reward": "+1.000",
    }
    assert found.samples[0].tokens[1].text == "↵\n"


def test_extremes_of_the_last_step_come_before_those_of_the_first():
    rows = [row(reward=r, step=s) for s in (1, 5, 9) for r in (0.0, 0.1, 1.0, 0.5, 0.6)]
    found = token_shading(rows)
    assert found is not None
    assert [s.title for s in found.samples] == ["ReFT, step 9"] * 4 + ["ReFT, step 1"] * 2
    assert [s.reward for s in found.samples] == ["1", "0", "0.6", "0.1", "1", "0"]


def test_missing_columns_leave_tokens_uncoloured():
    found = token_shading([{"stage": "reft", "step": 1, "tokens": ["a", "b"], "logp": [-1.0]}])
    assert found is not None
    assert [(t.advantage, t.kl) for t in found.samples[0].tokens] == [(0.0, 0.0)] * 2


def test_no_tokens_no_shading():
    assert token_shading([]) is None
    assert token_shading([row(tokens=[])]) is None
