"""What the engine samples is what the learner trains on: tokens, log-probabilities, ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

import torch

from burnish.core.logprobs import token_logps
from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch
from burnish.rollout.engine import SamplingParams
from burnish.run.doctor.check import Check, Finding, judged, skipped
from burnish.training.collection import trajectory
from burnish.types import Completion, Problem, Score, StopReason, Trajectory

LIKELIHOODS = "engine and learner agree on log-probabilities"
TOKENS = "sampled tokens are trained as they are"
ENDS = "cut-off answers are known as such"
LIMITS = {torch.float32: 0.005, torch.bfloat16: 0.05}
_TEMPERATURES = (0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.2, 1.5, 2.0)
_BLANK = Score(0.0, is_correct=False, answer=None)

Completions = Sequence[tuple[Problem, Completion]]


def check_likelihoods(completions: Completions, policy: Policy, params: SamplingParams) -> Check:
    """The mean gap between the engine's and the learner's log-probability of a sampled token.

    Where it is large, other temperatures and float32 are tried to name the reason.
    """
    rows = [trajectory(*pair, _BLANK) for pair in completions if pair[1].token_ids]
    if not rows:
        return skipped(LIKELIHOODS, "nothing was sampled")
    gap, limit = _gap(rows, policy, temperature=1.0), LIMITS[policy.compute_dtype]
    numbers = {"nats a token": gap, "limit": limit}
    dtype = str(policy.compute_dtype).removeprefix("torch.")
    if gap <= limit:
        seen = f"{gap:.5f} nats a token in {dtype}"
        return judged(LIKELIHOODS, None, seen=seen, numbers=numbers)
    tried = {t: _gap(rows, policy, temperature=t) for t in _candidates(params)}
    nearest = min(tried, key=lambda t: tried[t])
    reason = (
        f"the engine's are those of temperature {nearest:g}, not of the model itself"
        if tried[nearest] <= limit
        else f"no temperature explains it; numbers are computed in {dtype}"
    )
    found = Finding(
        f"they differ by {gap:.4f} nats a token, more than {limit} ({reason}): ratios and KL of the"
        " training would be wrong.",
        "Set compute.dtype=float32 to see whether it is rounding; if it stays, report a bug.",
    )
    return judged(LIKELIHOODS, found, seen="", numbers=numbers, stops_training=True)


def check_tokens_are_kept(
    completions: Completions,
    *,
    build: Callable[[Problem, Completion, Score], Trajectory] = trajectory,
) -> Check:
    """A trajectory has the tokens that were sampled, none decoded and encoded again."""
    drifted = [
        problem.id
        for problem, completion in completions
        if not _is_kept(completion, build(problem, completion, _BLANK))
    ]
    if not drifted:
        return judged(TOKENS, None, seen=f"{len(completions)} samples, token by token")
    found = Finding(
        f"{len(drifted)} of {len(completions)} samples, such as that of {drifted[0]!r}, are trained"
        " on with other tokens than were sampled: log-probabilities of a text nobody wrote",
        "Hand on the engine's token ids; do not decode and encode them again.",
    )
    return judged(TOKENS, found, seen="", stops_training=True)


def check_ends(completions: Completions, *, stops: Iterable[int], params: SamplingParams) -> Check:
    """A completion without an end token that has as many tokens as allowed was cut off.

    Args:
        stops: the tokens that end one.
    """
    ends = frozenset(stops)
    wrong = [
        problem.id
        for problem, completion in completions
        if completion.token_ids and not _is_end_told(completion, ends, params.max_tokens)
    ]
    cut = sum(completion.is_truncated for _, completion in completions)
    numbers = {"cut off": cut, "samples": len(completions)}
    if not wrong:
        seen = f"{cut} of {len(completions)} short samples were cut off"
        return judged(ENDS, None, seen=seen, numbers=numbers)
    found = Finding(
        f"{len(wrong)} of {len(completions)} samples, such as that of {wrong[0]!r}, say that they "
        "ended where the token limit cut them off, or the other way round: unfinished answers "
        "would be graded as finished ones.",
        "An engine must report StopReason.LENGTH where no end token was sampled.",
    )
    return judged(ENDS, found, seen="", numbers=numbers, stops_training=True)


@torch.no_grad()
def _gap(rows: Sequence[Trajectory], policy: Policy, *, temperature: float) -> float:
    """Mean |learner's - engine's log-probability| of a sampled token."""
    batch = TokenBatch.collate(rows).to(policy.device)
    hidden = policy.hidden_states(batch)
    if temperature == 1.0:
        logp, _ = policy.action_logps(hidden, batch)
        learner = logp[batch.action_mask].tolist()
    else:
        learner = _tempered(policy, hidden, batch, temperature)
    engine = [
        value
        for row in rows
        for value, is_action in zip(row.logp, row.is_action, strict=True)
        if is_action
    ]
    return fmean(abs(a - b) for a, b in zip(learner, engine, strict=True))


def _tempered(
    policy: Policy, hidden: torch.Tensor, batch: TokenBatch, temperature: float
) -> list[float]:
    """The learner's log-probabilities, in row-major order, if it divided its logits."""
    head = policy.network.get_output_embeddings()
    assert head is not None
    with policy.computing():
        logp, _ = token_logps(
            hidden[:, :-1][batch.action_mask],
            head.get_parameter("weight"),
            batch.token_ids[:, 1:][batch.action_mask],
            temperature=temperature,
            softcap=vars(policy.network.config).get("final_logit_softcapping"),
        )
    return logp.tolist()


def _candidates(params: SamplingParams) -> list[float]:
    own = [params.temperature] if params.temperature > 0 else []
    return [t for t in (*own, *_TEMPERATURES) if t != 1.0]


def _is_kept(completion: Completion, built: Trajectory) -> bool:
    start = len(completion.prompt_ids)
    return (
        built.token_ids == completion.prompt_ids + completion.token_ids
        and built.is_action == (False,) * start + (True,) * len(completion.token_ids)
        and built.logp[start:] == completion.logp
    )


def _is_end_told(completion: Completion, ends: frozenset[int], max_tokens: int) -> bool:
    if completion.stop_reason is StopReason.STOP_STRING:
        return True
    has_end = completion.token_ids[-1] in ends
    if completion.stop_reason is StopReason.EOS:
        return has_end
    return not has_end and len(completion.token_ids) >= max_tokens
