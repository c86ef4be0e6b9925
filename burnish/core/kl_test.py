import math

import pytest
import torch

from burnish.core.kl import k1, k2, k3, weighted_k3

POLICY = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
REFERENCE = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
LOGP = torch.tensor([[-1.0, -3.0]])
REF_LOGP = torch.tensor([[-1.5, -1.0]])  # d = 0.5 and -2


def expectation(estimate):
    """Exact mean of an estimator over tokens drawn from POLICY."""
    return (POLICY * estimate(POLICY.log()[None], REFERENCE.log()[None])[0]).sum()


def test_k1_is_the_log_ratio():
    assert k1(LOGP, REF_LOGP).tolist() == [[0.5, -2.0]]


def test_k1_sums_to_the_log_ratio_of_the_sequences():
    assert k1(LOGP, REF_LOGP).sum().item() == (LOGP.sum() - REF_LOGP.sum()).item()


def test_k2_is_half_the_square():
    assert k2(LOGP, REF_LOGP).tolist() == [[0.125, 2.0]]


def test_k3_by_hand():
    expected = [[math.exp(-0.5) - 1 + 0.5, math.exp(2) - 1 - 2]]
    torch.testing.assert_close(k3(LOGP, REF_LOGP), torch.tensor(expected))


@pytest.mark.parametrize("estimate", [k1, k3])
def test_k1_and_k3_are_unbiased(estimate):
    exact = (POLICY * (POLICY.log() - REFERENCE.log())).sum()
    torch.testing.assert_close(expectation(estimate), exact)


def test_k3_is_never_negative_not_even_near_zero():
    logp = torch.linspace(-4.0, 4.0, 101)[None]
    tiny = torch.tensor([[1e-4, -1e-4, 1e-6, 0.0]])
    assert (k3(logp, torch.zeros_like(logp)) >= 0).all()
    assert (k3(tiny, torch.zeros_like(tiny)) >= 0).all()


@pytest.mark.parametrize("estimate", [k1, k2, k3])
def test_equal_models_have_no_divergence(estimate):
    assert estimate(LOGP, LOGP).abs().sum().item() == 0.0


@pytest.mark.parametrize(
    ("estimate", "slope"),
    [(k1, [1.0, 1.0]), (k2, [0.5, -2.0]), (k3, [1 - 0.6065307, 1 - 7.389056])],
)
def test_gradient_reaches_the_policy_only(estimate, slope):
    logp, ref_logp = LOGP.clone().requires_grad_(), REF_LOGP.clone().requires_grad_()
    estimate(logp, ref_logp).sum().backward()
    torch.testing.assert_close(logp.grad, torch.tensor([slope]))
    assert ref_logp.grad is None


def test_weighted_k3_has_value_and_gradient_of_the_kl_off_policy_too():
    """Mean over tokens drawn from POLICY of a model that has since moved."""
    logits = torch.tensor([0.3, -0.4, 0.9], dtype=torch.float64, requires_grad=True)
    logp, ref_logp = logits.log_softmax(0)[None], REFERENCE.log()[None]
    estimated = (POLICY * weighted_k3(logp, ref_logp, POLICY.log()[None])[0]).sum()
    exact = (logp.exp() * (logp - ref_logp)).sum()
    torch.testing.assert_close(estimated, exact)
    (found,) = torch.autograd.grad(estimated, logits, retain_graph=True)
    (expected,) = torch.autograd.grad(exact, logits)
    torch.testing.assert_close(found, expected)
