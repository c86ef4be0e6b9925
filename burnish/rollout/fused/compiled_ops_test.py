"""The compiled steps against torch's, on numbers that tell every argument apart."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from burnish.kernels.call import kernels
from burnish.rollout.attention import DecodePlan, PackedPlan
from burnish.rollout.cache import Layout, SlotCache
from burnish.rollout.fused.blocks import Block, Norm, Product
from burnish.rollout.fused.compiled_ops import compiled_draw, compiled_ops
from burnish.rollout.fused.ops import TorchOps, Turn

pytestmark = pytest.mark.skipif(kernels("decode") is None, reason="no C++ compiler")

ROWS, WIDTH = 5, 24
POSITIONS = [0, 3, 17, 30, 9]
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 2e-2}


def norm(*shape):
    return Norm(torch.rand(*shape) + 0.5, 1e-3)


def block(dtype, *, heads=4, key_heads=2, channels=24, **changes):
    product = Product(torch.zeros((heads + 2 * key_heads) * channels, WIDTH, dtype=dtype), None)
    plain = Block(
        layer_type="full_attention",
        num_heads=heads,
        num_key_heads=key_heads,
        scaling=0.3,
        window=None,
        softcap=None,
        activation=nn.SiLU(),
        qkv=product,
        out=product,
        gate_up=product,
        down=product,
        norm_attention=norm(WIDTH),
        norm_heads=None,
        norm_attended=None,
        norm_mlp=norm(WIDTH),
        norm_mlp_out=None,
    )
    return replace(plain, **changes)


def both(dtype, of):
    compiled = compiled_ops(dtype, torch.device("cpu"), of)
    assert compiled is not None
    return compiled, TorchOps(dtype)


def filled_cache(of, channels, dtype):
    cache = SlotCache(ROWS, Layout.TIGHT)
    torch.manual_seed(1)
    prefix = [torch.randn(2, of.num_key_heads, max(POSITIONS), channels).to(dtype)]
    cache.fit(max(POSITIONS) + 1, prefix)
    cache.fill(0, ROWS, prefix)
    return cache


@DTYPES
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"window": 4},
        {"softcap": 1.5},
        {"norm_heads": norm(6, 24)},
        {"heads": 1, "key_heads": 1, "channels": 40},
        {"heads": 6, "key_heads": 2, "channels": 104},
        {"heads": 14, "key_heads": 2, "softcap": 1.5},  # queries go in fours, twos and ones
    ],
    ids=lambda changes: "-".join(changes) or "plain",
)
def test_attention_is_that_of_torch(dtype, changes):
    torch.manual_seed(0)
    of = block(dtype, **changes)
    channels = changes.get("channels", 24)
    qkv = torch.randn(ROWS, (of.num_heads + 2 * of.num_key_heads) * channels).to(dtype)
    angles = torch.randn(ROWS, 1, channels // 2).repeat(1, 1, 2)
    turn = Turn.of(angles.cos(), angles.sin())
    plan = DecodePlan(torch.tensor(POSITIONS), dtype)

    results, caches = [], []
    for ops in both(dtype, of):
        cache = filled_cache(of, channels, dtype)
        cache.point(plan.positions)
        results.append(ops.attend(qkv, of, turn, cache, 0, plan))
        caches.append(cache.block(0))

    found, expected = results
    torch.testing.assert_close(found, expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
    for written, wanted in zip(*caches, strict=True):
        torch.testing.assert_close(written, wanted, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("changes", [{}, {"window": 3}, {"softcap": 1.5}, {"heads": 6}])
def test_tokens_of_a_slot_attend_at_once_as_one_after_the_other(dtype, changes):
    torch.manual_seed(0)
    of = block(dtype, **changes)
    width = (of.num_heads + 2 * of.num_key_heads) * 24
    places = torch.tensor([[0, 17], [3, 4], [0, 18], [3, 5], [0, 19], [1, 0]])
    slots, positions = places.T.contiguous()
    qkv = torch.randn(len(places), width).to(dtype)
    angles = torch.randn(len(places), 1, 12).repeat(1, 1, 2)
    turn = Turn.of(angles.cos(), angles.sin())
    ops, _ = both(dtype, of)
    cache = filled_cache(of, 24, dtype)

    found = ops.attend_packed(qkv, of, turn, cache, 0, PackedPlan(positions, slots))

    one_by_one = filled_cache(of, 24, dtype)
    keys, values = one_by_one.block(0)
    for row, slot in enumerate(slots.tolist()):
        alone = SlotCache(1, Layout.TIGHT)
        alone.fit(keys.shape[2], [torch.stack((keys[slot], values[slot]))])
        alone.fill(0, 1, [torch.stack((keys[slot], values[slot]))])
        one = slice(row, row + 1)
        at = Turn(turn.cos[one], turn.sin[one])
        plan = DecodePlan(positions[one], dtype)
        expected = ops.attend(qkv[one], of, at, alone, 0, plan)
        assert torch.equal(found[one], expected), "bit by bit"
        keys[slot], values[slot] = (block[0] for block in alone.block(0))
    assert all(torch.equal(x, y) for x, y in zip(cache.block(0), (keys, values), strict=True))


@DTYPES
@pytest.mark.parametrize("branch_norm", [None, norm(WIDTH)], ids=["added", "normed"])
def test_the_residual_grows_by_the_branch_and_is_normed(dtype, branch_norm):
    torch.manual_seed(0)
    of = block(dtype)
    residual, branch = torch.randn(ROWS, WIDTH), torch.randn(ROWS, WIDTH).to(dtype)

    (x, found), (y, expected) = [
        (grown := residual.clone(), ops.add_and_norm(grown, branch, branch_norm, of.norm_mlp))
        for ops in both(dtype, of)
    ]

    torch.testing.assert_close(x, y, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found, expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
    assert not torch.allclose(x, residual)


@DTYPES
@pytest.mark.parametrize("activation", [nn.SiLU(), nn.GELU(approximate="tanh")])
def test_the_gate_is_activated_and_multiplied(dtype, activation):
    torch.manual_seed(0)
    of = block(dtype, activation=activation)
    gate_up = 8 * torch.randn(ROWS, 2 * WIDTH).to(dtype)

    found, expected = (ops.gate(gate_up, of) for ops in both(dtype, of))

    torch.testing.assert_close(found, expected, atol=1e-5, rtol=TOLERANCE[dtype])


def test_other_activations_and_odd_heads_are_left_to_torch():
    cpu = torch.device("cpu")

    assert compiled_ops(torch.float32, cpu, block(torch.float32, activation=nn.ReLU())) is None
    assert compiled_ops(torch.float32, cpu, block(torch.float32, channels=12)) is None
    assert compiled_ops(torch.float16, cpu, block(torch.float16)) is None
    assert compiled_ops(torch.float32, torch.device("meta"), block(torch.float32)) is None


@DTYPES
@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_draws_invert_the_cumulative_distribution(dtype, temperature):
    torch.manual_seed(0)
    logits = (4 * torch.randn(2048, 301)).to(dtype)
    uniforms = torch.rand(2048)

    drawn = compiled_draw(logits, uniforms, temperature)

    assert drawn is not None
    token_ids, logp, sampler_logp = drawn
    tempered = (logits.double() / temperature).softmax(-1).cumsum(-1)
    rows = torch.arange(2048)
    before = torch.where(token_ids > 0, tempered[rows, (token_ids - 1).clamp(min=0)], 0.0)
    assert ((before <= uniforms + 1e-5) & (uniforms <= tempered[rows, token_ids] + 1e-5)).all()
    for found, scale in ((logp, 1.0), (sampler_logp, temperature)):
        expected = (logits.float() / scale).log_softmax(-1)[rows, token_ids]
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def test_a_temperature_may_be_an_integer():
    torch.manual_seed(2)
    logits, uniforms = torch.randn(9, 50), torch.rand(9)
    for whole, real in ((1, 1.0), (2, 2.0)):
        found, expected = (compiled_draw(logits, uniforms, t) for t in (whole, real))
        assert found is not None
        assert expected is not None
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_impossible_tokens_are_never_drawn():
    logits = torch.full((64, 200), -torch.inf)
    logits[:, 3] = logits[:, 130] = 0.0
    uniforms = torch.linspace(0.0, 1.0 - 2**-23, 64)

    drawn = compiled_draw(logits, uniforms, 1.0)

    assert drawn is not None
    assert set(drawn[0].tolist()) == {3, 130}
    assert torch.allclose(drawn[1], torch.tensor(0.5).log())


def test_logits_that_are_no_numbers_give_log_probabilities_that_are_none():
    logits = torch.randn(2, 100)
    logits[1, 70] = torch.nan

    drawn = compiled_draw(logits, torch.tensor([0.5, 0.5]), 1.0)

    assert drawn is not None
    token_ids, logp, _ = drawn
    assert 0 <= int(token_ids.min()) <= int(token_ids.max()) < 100
    assert logp.isnan().tolist() == [False, True]
