"""What the reference policy says of pairs: computed once, kept in the folder of the stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import TypeAdapter
from torch import Tensor

from burnish.errors import CheckpointError
from burnish.models.batching import micro_batches
from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch
from burnish.training.preference_loss import PairLogps
from burnish.training.preference_pairs import TokenPair, fingerprint_of
from burnish.training.row_files import read_rows, write_rows

_PAIRS_PER_PIECE = 256


@dataclass(frozen=True, slots=True)
class ReferenceLogps:
    """Of one pair: log pi_ref of both answers, in nats, summed over their tokens."""

    chosen: float
    rejected: float


@dataclass(frozen=True, slots=True)
class ReferencedPair:
    """A pair with what the reference policy says of it; batched by its longer answer."""

    pair: TokenPair
    ref: ReferenceLogps

    @property
    def token_ids(self) -> tuple[int, ...]:
        return self.pair.longer.token_ids

    @property
    def is_action(self) -> tuple[bool, ...]:
        return self.pair.longer.is_action


_REFERENCE = TypeAdapter(ReferenceLogps)


def pair_logps(policy: Policy, rows: Sequence[ReferencedPair], *, kl: float = 0.0) -> PairLogps:
    """What the policy and the reference say of the answers of these pairs, in one batch.

    Args:
        kl: handed on to the loss.
    """
    chosen, rejected = answer_logps(policy, [row.pair for row in rows])
    return _pair_logps(rows, chosen, rejected, kl=kl)


def known_logps(rows: Sequence[ReferencedPair], policy: Sequence[ReferenceLogps]) -> PairLogps:
    """The same from what the policy has said of the answers before."""
    chosen = torch.tensor([found.chosen for found in policy])
    return _pair_logps(rows, chosen, torch.tensor([found.rejected for found in policy]), kl=0.0)


@torch.no_grad()
def kl_estimate(policy: Policy, mismatched: Sequence[ReferencedPair], *, max_tokens: int) -> float:
    """KTO's z = max(0, mean of log pi(y'|x) - log pi_ref(y'|x)) over mismatched answers y'.

    Equation 8 of arXiv:2402.01306, where z is a constant.
    """
    total = 0.0
    for part in micro_batches(mismatched, max_tokens=max_tokens // 2):
        chosen, rejected = pair_logps(policy, part).log_ratios
        total += (chosen + rejected).sum().item()
    return max(0.0, total / (2 * len(mismatched)))


def answer_logps(
    policy: Policy, pairs: Sequence[TokenPair]
) -> tuple[Float[Tensor, "B"], Float[Tensor, "B"]]:
    """log pi(y | x) = sum_t log pi(y_t | x, y_<t) of the chosen and of the rejected answers."""
    answers = [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)]
    batch = TokenBatch.collate(answers).to(policy.device)
    logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
    sums = logp.sum(dim=1)  # 0 off the answers
    return sums[: len(pairs)], sums[len(pairs) :]


@torch.no_grad()
def reference_logps(
    policy: Policy, pairs: Sequence[TokenPair], *, max_tokens: int
) -> list[ReferenceLogps]:
    """What the policy, as it is now, says of the answers, in the order of `pairs`."""
    blank = ReferenceLogps(0.0, 0.0)
    place = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
    found = [blank] * len(place)
    rows = [ReferencedPair(pair, blank) for pair in place]
    for part in micro_batches(rows, max_tokens=max_tokens // 2):
        chosen, rejected = answer_logps(policy, [row.pair for row in part])
        for row, c, r in zip(part, chosen.tolist(), rejected.tolist(), strict=True):
            found[place[row.pair]] = ReferenceLogps(c, r)
    return [found[place[pair]] for pair in pairs]


def referenced_pairs(
    folder: Path, policy: Policy, pairs: Sequence[TokenPair], *, max_tokens: int
) -> list[ReferencedPair]:
    """The pairs with the reference's log-probabilities; what stands in `folder` is read back.

    Must be called before the policy is changed: a file that is missing is computed with it.
    """
    _require_same_pairs(folder, pairs)
    found: list[ReferenceLogps] = []
    for start in range(0, len(pairs), _PAIRS_PER_PIECE):
        piece = folder / f"{start // _PAIRS_PER_PIECE:06d}.jsonl"
        if not piece.exists():
            part = pairs[start : start + _PAIRS_PER_PIECE]
            write_rows(piece, reference_logps(policy, part, max_tokens=max_tokens), _REFERENCE)
        found += read_rows(piece, _REFERENCE)
    return [ReferencedPair(pair, ref) for pair, ref in zip(pairs, found, strict=True)]


def _require_same_pairs(folder: Path, pairs: Sequence[TokenPair]) -> None:
    """Remember which pairs the files are about. Raises CheckpointError where they are others."""
    path, kind = folder / "pairs.sha256", TypeAdapter(str)
    if not path.exists():
        write_rows(path, [fingerprint_of(pairs)], kind)
    elif read_rows(path, kind) != [fingerprint_of(pairs)]:
        raise CheckpointError(
            f"{folder}: holds log-probabilities of other pairs than those of this recipe, so the "
            "stage cannot be continued. Put the rows back as they were, or use a new --out."
        )


def _pair_logps(
    rows: Sequence[ReferencedPair],
    chosen: Float[Tensor, "B"],
    rejected: Float[Tensor, "B"],
    *,
    kl: float,
) -> PairLogps:
    columns = (
        [row.ref.chosen for row in rows],
        [row.ref.rejected for row in rows],
        [float(len(row.pair.chosen_ids)) for row in rows],
        [float(len(row.pair.rejected_ids)) for row in rows],
    )
    tensors = (torch.tensor(column, device=chosen.device) for column in columns)
    return PairLogps(chosen, rejected, *tensors, kl=kl)
