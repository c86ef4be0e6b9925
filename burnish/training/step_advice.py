"""A critic's advice on the next step, in the prompt from which that step is proposed.

It stands behind the question, as in the common mode of the published code of ReST-MCTS*
(methods.md 3.3); the value model does not read it, and the next step's advice takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from burnish.data.rendering import Renderer
from burnish.search.asks import Continuation, ProposalRequest, Proposer
from burnish.training.tree_questions import Questions
from burnish.types import Message, Problem

_ADVICE_IN_KEY = "\x1f"


class AdvisedProposer:
    """Puts a critic's advice behind the question, and lets another proposer propose.

    Args:
        proposer: finds the prompts of trees in `questions`.
        renderer: as it made those; its limit is for prompts with their advice.
        questions: takes the prompts with advice, too, each under a name of its own.
        lead: what stands before the advice.
    """

    def __init__(
        self, proposer: Proposer, renderer: Renderer, questions: Questions, *, lead: str
    ) -> None:
        self._proposer = proposer
        self._renderer = renderer
        self._questions = questions
        self._lead = lead

    def propose(self, requests: Sequence[ProposalRequest]) -> Sequence[Sequence[Continuation]]:
        """Continuations for each request, one a seed, in order."""
        return self._proposer.propose([self._advised(request) for request in requests])

    def _advised(self, request: ProposalRequest) -> ProposalRequest:
        prefix, advice = request.prefix, request.advice
        if not advice:
            return request
        key = f"{prefix.tree_id}{_ADVICE_IN_KEY}{advice}"
        if key not in self._questions.prompts:
            problem = advised(self._questions.problems[prefix.tree_id], f"{self._lead}{advice}")
            self._questions.prompts[key] = self._renderer.prompt_ids(problem)
        return replace(request, prefix=replace(prefix, tree_id=key), advice="")


def advised(problem: Problem, advice: str) -> Problem:
    """The problem with the advice behind its question; in a conversation, behind the last turn."""
    if not problem.messages:
        return replace(problem, question=f"{problem.question}\n{advice}")
    *before, last = problem.messages
    asked = Message(last.role, f"{last.content}\n\n{advice}")
    return replace(problem, messages=(*before, asked))
