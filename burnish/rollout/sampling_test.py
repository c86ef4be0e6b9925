import math

import pytest
import torch
from scipy.stats import chisquare

from burnish.rollout import sampling
from burnish.rollout.engine import SamplingParams
from burnish.rollout.sampling import TOKENS_PER_BLOCK, draw, invert_cdf, sampling_probs


@pytest.fixture(autouse=True, params=["kernels", "torch"])
def both_ways(request, monkeypatch):
    """Draws through the compiled kernels, where there are any, and without them."""
    if request.param == "torch":
        monkeypatch.setattr(sampling, "compiled_draw", lambda *_: None)


PROBS = torch.tensor([[0.05, 0.4, 0.1, 0.25, 0.2]])
LOGITS = PROBS.log() + 3.0


def probs_with(**settings):
    return sampling_probs(LOGITS, SamplingParams(1, **settings))[0].tolist()


def test_no_filter_is_the_model():
    assert probs_with() == pytest.approx(PROBS[0].tolist())


def test_temperature_divides_the_logits():
    squared = [p * p for p in PROBS[0].tolist()]

    assert probs_with(temperature=0.5) == pytest.approx([p / sum(squared) for p in squared])


def test_top_k_keeps_the_k_most_likely():
    assert probs_with(top_k=2) == pytest.approx([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0])
    assert probs_with(top_k=9) == pytest.approx(PROBS[0].tolist())


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.3, [1]), (0.41, [1, 3]), (0.8, [1, 3, 4]), (0.86, [1, 2, 3, 4])]
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(top_p, kept):
    total = sum(PROBS[0, i].item() for i in kept)

    expected = [PROBS[0, i].item() / total if i in kept else 0.0 for i in range(5)]
    assert probs_with(top_p=top_p) == pytest.approx(expected)


def test_top_p_of_a_flat_distribution_needs_more_than_the_first_candidates():
    logits = torch.linspace(0.0, 0.01, 2000)[None]

    kept = (sampling_probs(logits, SamplingParams(1, top_p=0.75)) > 0).sum()

    assert 1480 < kept < 1500


def test_min_p_is_relative_to_the_most_likely():
    assert probs_with(min_p=0.45) == pytest.approx([0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85])


def test_filters_apply_in_order_each_on_what_is_left():
    # top_k 3 leaves 0.4, 0.25, 0.2 of 0.85; of these, 0.4 / 0.85 = 0.47 does not reach 0.5.
    assert probs_with(top_k=3, top_p=0.5) == pytest.approx([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0])


def test_greedy_takes_the_most_likely_with_certainty():
    drawn = draw(LOGITS, torch.tensor([0.99]), SamplingParams(1, temperature=0.0))

    assert drawn.token_ids.tolist() == [1]
    assert drawn.sampler_logp.tolist() == [0.0]
    assert drawn.logp.item() == pytest.approx(math.log(0.4))


def test_both_log_probabilities_are_of_the_drawn_token():
    drawn = draw(LOGITS, torch.tensor([0.99]), SamplingParams(1, top_k=2))

    assert drawn.token_ids.tolist() == [3]
    assert drawn.logp.item() == pytest.approx(math.log(0.25))
    assert drawn.sampler_logp.item() == pytest.approx(math.log(0.25 / 0.65))


@pytest.mark.parametrize(
    ("uniform", "token"), [(0.0, 0), (0.04, 0), (0.06, 1), (0.44, 1), (0.46, 2), (0.999, 4)]
)
def test_the_inverse_finds_the_interval_of_the_uniform(uniform, token):
    assert invert_cdf(PROBS, torch.tensor([uniform])).item() == token


def test_the_inverse_never_finds_a_token_without_probability():
    num_tokens = 3 * TOKENS_PER_BLOCK + 7
    probs = torch.zeros(4, num_tokens)
    inside = torch.tensor([1, TOKENS_PER_BLOCK, 2 * TOKENS_PER_BLOCK - 1, num_tokens - 2])
    probs[:, inside] = torch.tensor([0.1, 0.2, 0.3, 0.4])
    grid = torch.arange(2**12) * (2.0**-12)
    grid = torch.cat((grid, torch.tensor([0.0, 1 - 2.0**-23, 0.1, 0.3, 0.6])))

    found = invert_cdf(probs[:1].expand(len(grid), -1), grid)

    assert set(found.tolist()) == set(inside.tolist())


def test_the_inverse_is_safe_where_two_orders_of_summation_round_differently():
    torch.manual_seed(0)
    probs = torch.rand(1, 4 * TOKENS_PER_BLOCK)
    probs.view(4, TOKENS_PER_BLOCK)[:, -9:] = 0.0
    probs = probs.expand(20_000, -1) * torch.rand(20_000, 1)
    ends = probs.view(20_000, 4, -1).sum(-1).cumsum(-1)
    uniforms = torch.nextafter(ends[:, 1] / ends[:, 3], torch.tensor(0.0))

    found = invert_cdf(probs, uniforms)

    assert bool((probs.gather(1, found[:, None]) > 0).all())


def test_frequencies_over_many_blocks_are_the_probabilities():
    torch.manual_seed(0)
    logits = torch.randn(1, 5 * TOKENS_PER_BLOCK + 3)
    num_draws = 60_000

    drawn = draw(logits.expand(num_draws, -1), torch.rand(num_draws), SamplingParams(1))

    counts = torch.bincount(drawn.token_ids, minlength=logits.shape[1])
    expected = logits[0].double().softmax(-1) * num_draws
    assert chisquare(counts.tolist(), expected.tolist()).pvalue > 0.01
