"""The policy as a tree search sees it: next steps of partial solutions, sampled by an engine.

Token in, token out: the prompt's tokens and those of the steps so far are what is continued, and
the tokens of a step are those that were sampled. All continuations that are asked for at once go to
the engine together; it pauses each where a step may end (`StepFormat.stop`), and those that have
not come to their last step yet are sampled on, together again.

Often a step shows its end only by what follows it ("3." may become "3.5"). Such a token is kept
where a continuation goes on, and dropped, though paid for, behind its last step; the next
proposal from there samples it anew. So single steps are drawn from the policy's distribution of
steps, but what follows one is not bound by what had shown its end.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from transformers import PreTrainedTokenizerBase

from burnish.errors import EngineError
from burnish.rollout.engine import Engine, Request, SamplingParams
from burnish.rollout.step_ends import step_ends
from burnish.rollout.stopping import decode_after
from burnish.search.asks import Continuation, End, Prefix, ProposalRequest, Step
from burnish.search.steps import StepFormat, split_steps
from burnish.types import Completion, StopReason


@dataclass(frozen=True, slots=True)
class StepLimits:
    """How steps are drawn and how long they may be.

    Attributes:
        max_tokens: most tokens of a whole solution.
        max_step_tokens: most tokens sampled in search of a step's end; what has none by then is
            CUT.
        temperature: of all proposals.
    """

    max_tokens: int
    max_step_tokens: int
    temperature: float


@dataclass(slots=True)
class _Draft:
    """A continuation on its way.

    Attributes:
        context: tokens of the question and of the steps that it continues.
        num_before: how many of them are steps'.
        seed, max_steps: as asked for.
        token_ids: sampled so far.
        texts: once it is finished, the steps in them, and what was sampled behind these.
        num_steps: how many of the texts are its steps.
        end: of its last step; None while it goes on.
    """

    context: tuple[int, ...]
    num_before: int
    seed: int
    max_steps: int | None
    token_ids: tuple[int, ...] = ()
    texts: Sequence[str] = ()
    num_steps: int = 0
    end: End | None = None


class StepProposer:
    """A policy behind an engine.

    Args:
        engine: samples.
        tokenizer: the engine's.
        steps: what a step is.
        limits: temperature and lengths.
        prompts: prompt tokens by the id of the tree; more may be added while searches run.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: PreTrainedTokenizerBase,
        *,
        steps: StepFormat,
        limits: StepLimits,
        prompts: Mapping[str, tuple[int, ...]],
    ) -> None:
        self._engine = engine
        self._tokenizer = tokenizer
        self._steps = steps
        self._limits = limits
        self._prompts = prompts

    def propose(self, requests: Sequence[ProposalRequest]) -> list[list[Continuation]]:
        """Continuations for each request, one a seed, in order.

        Raises EngineError where a prefix does not fit the model's context, and for advice, for
        which there is no place in a prompt.
        """
        drafts = [[self._draft(request, seed) for seed in request.seeds] for request in requests]
        going_on = [draft for group in drafts for draft in group]
        while going_on:
            self._sample_on(going_on)
            going_on = [draft for draft in going_on if draft.end is None]
        return [[self._continuation(draft) for draft in group] for group in drafts]

    def _draft(self, request: ProposalRequest, seed: int) -> _Draft:
        if request.advice:
            raise EngineError(
                f"tree {request.prefix.tree_id!r}: a critic's advice cannot be put to this policy; "
                "search with self_critic: none."
            )
        prompt_ids = prompt_of(request.prefix, self._prompts)
        before = request.prefix.token_ids
        return _Draft(prompt_ids + before, len(before), seed, request.max_steps)

    def _sample_on(self, drafts: Sequence[_Draft]) -> None:
        """Bring every draft to its next possible end; those that stop alike in one call."""
        by_stop: defaultdict[tuple[str, ...], list[tuple[_Draft, Request]]] = defaultdict(list)
        for draft in drafts:
            limit = self._limits.max_tokens - draft.num_before - len(draft.token_ids)
            if limit <= 0:
                self._take(draft, None)
                continue
            stop: tuple[str, ...] = ()
            if draft.max_steps is not None:
                stop, limit = self._steps.stop, min(limit, self._limits.max_step_tokens)
            by_stop[stop].append((draft, _request(draft, limit)))
        for stop, group in by_stop.items():
            requests = [request for _, request in group]
            most = max(request.max_tokens or 0 for request in requests)
            params = SamplingParams(most, temperature=self._limits.temperature, stop=stop)
            sampled = self._engine.sample(requests, params)
            for (draft, _), (completion,) in zip(group, sampled, strict=True):
                self._take(draft, completion)

    def _take(self, draft: _Draft, completion: Completion | None) -> None:
        """Add what was sampled (None: there was no room), and see whether that is all."""
        reason = StopReason.LENGTH if completion is None else completion.stop_reason
        if completion is not None:
            draft.token_ids += completion.token_ids
        text = decode_after(self._tokenizer, draft.context, draft.token_ids)
        ends = _first_ends(text, self._steps, draft.max_steps)
        is_closed = bool(ends) and ends[-1] == len(text)
        has_all = len(ends) == draft.max_steps
        if is_closed and reason is not StopReason.STOP_STRING:
            has_all = reason is StopReason.LENGTH  # no step is cut; EOS belongs to the last
        if has_all:
            draft.texts = [text[a:b] for a, b in pairwise([0, *ends, len(text)]) if a < b]
            draft.num_steps, draft.end = len(ends), End.OPEN
        elif reason is not StopReason.STOP_STRING:
            draft.texts = split_steps(text, self._steps)
            draft.num_steps = max(1, len(draft.texts))
            draft.end = End.FINAL if reason is StopReason.EOS else End.CUT

    def _continuation(self, draft: _Draft) -> Continuation:
        """The steps of a finished draft: their tokens, and the text of exactly these tokens."""
        assert draft.end is not None, "it is finished"
        ends = step_ends(self._tokenizer, draft.context, draft.token_ids, draft.texts)
        places = [0, *dict.fromkeys(ends[: draft.num_steps] or [len(draft.token_ids)])]
        texts = [decode_after(self._tokenizer, draft.context, draft.token_ids[:n]) for n in places]
        steps = [
            Step(texts[i + 1][len(texts[i]) :], stop - start, draft.token_ids[start:stop])
            for i, (start, stop) in enumerate(pairwise(places))
        ]
        num_dropped = len(draft.token_ids) - places[-1]
        last = steps[-1]
        steps[-1] = replace(last, num_tokens=last.num_tokens + num_dropped, end=draft.end)
        return tuple(steps)


def prompt_of(prefix: Prefix, prompts: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The prompt's tokens. Raises EngineError for a tree whose question was not rendered."""
    if prefix.tree_id not in prompts:
        raise EngineError(
            f"tree {prefix.tree_id!r} asks a question that was not given: its problem is not one "
            f"of the {len(prompts)} that are searched. Use the problems that the trees are of."
        )
    return prompts[prefix.tree_id]


def _first_ends(text: str, steps: StepFormat, max_steps: int | None) -> list[int]:
    """Where the first `max_steps` complete steps end; nowhere where whole solutions are wanted."""
    ends: list[int] = []
    while len(ends) < (max_steps or 0):
        start = ends[-1] if ends else 0
        length = steps.first_end(text[start:])
        if length is None:
            break
        ends.append(start + length)
    return ends


def _request(draft: _Draft, limit: int) -> Request:
    """The first with the seed that was asked for; those after a pause with seeds made of it."""
    if not draft.token_ids:
        return Request(draft.context, (draft.seed,), limit)
    key = f"{draft.seed} after {len(draft.token_ids)}".encode()
    seed = int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1
    return Request(draft.context + draft.token_ids, (seed,), limit)
