"""A model answers, criticises what it said by a principle, and says it again without the fault."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from burnish.data.feedback.kinds import true_reward
from burnish.data.rendering import Renderer
from burnish.data.tasks.task import Task
from burnish.methods.constitutional.constitution import Constitution, Principle
from burnish.methods.constitutional.dialogue import Dialogue
from burnish.methods.constitutional.transcripts import Flaw, Round, Transcript
from burnish.rollout.engine import Engine, Request, SamplingParams
from burnish.training.seeds import derived_seed
from burnish.types import Completion, Problem


@dataclass(frozen=True, slots=True)
class Reviser:
    """One model in all three roles.

    Attributes:
        engine, renderer, dialogue: samples, and turns questions and dialogues into its tokens.
        constitution: whose principles are drawn.
        task: knows the true worth of an answer, if anybody does.
        answering, criticising, revising: the distributions to draw from, and their limits.
    """

    engine: Engine
    renderer: Renderer
    dialogue: Dialogue
    constitution: Constitution
    task: Task
    answering: SamplingParams
    criticising: SamplingParams
    revising: SamplingParams

    def answer(
        self, problems: Sequence[Problem], *, num_samples: int, seed: int
    ) -> list[Transcript]:
        """First answers; those of one problem follow each other. Raises EngineError."""
        return self._answered(problems, self.answering, num_samples=num_samples, seed=seed)

    def greedy_answers(self, problems: Sequence[Problem], *, seed: int) -> list[Transcript]:
        """The likeliest answers, one to each problem. Raises EngineError."""
        greedy = replace(self.answering, temperature=0.0)
        return self._answered(problems, greedy, num_samples=1, seed=seed)

    def _answered(
        self, problems: Sequence[Problem], params: SamplingParams, *, num_samples: int, seed: int
    ) -> list[Transcript]:
        requests = [
            Request(
                self.renderer.prompt_ids(problem),
                tuple(derived_seed(seed, place, problem.id, n) for n in range(num_samples)),
            )
            for place, problem in enumerate(problems)
        ]
        return [
            self._transcript(problem, number, completion)
            for problem, group in zip(problems, self.engine.sample(requests, params), strict=True)
            for number, completion in enumerate(group)
        ]

    def revise(
        self, problems: Sequence[Problem], transcripts: Sequence[Transcript], *, seed: int
    ) -> list[Transcript]:
        """The same transcripts with one round more; an unusable first answer gets none.

        Args:
            problems: `problems[i]` is what transcript i answers.
            seed: of the principles drawn and of the samples.
        """
        rows = [
            _Turn(place, problem, transcript, self._principle(seed, problem, transcript))
            for place, (problem, transcript) in enumerate(zip(problems, transcripts, strict=True))
            if transcript.flaw is None
        ]
        critiques = self._sampled(
            [self.dialogue.critique_ids(t.problem, t.text, t.principle) for t in rows],
            [derived_seed(seed, "critique", t.place, t.problem.id) for t in rows],
            self.criticising,
        )
        usable = [
            (turn, critique.text.strip())
            for turn, critique in zip(rows, critiques, strict=True)
            if _flaw_of(critique, "critique") is None
        ]
        revisions = iter(
            self._sampled(
                [
                    self.dialogue.revision_ids(t.problem, t.text, t.principle, critique)
                    for t, critique in usable
                ],
                [derived_seed(seed, "revision", t.place, t.problem.id) for t, _ in usable],
                self.revising,
            )
        )
        found = list(transcripts)
        for turn, critique in zip(rows, critiques, strict=True):
            flaw = _flaw_of(critique, "critique")
            revision = next(revisions) if flaw is None else None
            made = self._round(turn, critique, revision, flaw)
            found[turn.place] = replace(turn.transcript, rounds=(*turn.transcript.rounds, made))
        return found

    def _sampled(
        self, prompts: Sequence[tuple[int, ...]], seeds: Sequence[int], params: SamplingParams
    ) -> list[Completion]:
        requests = [Request(ids, (seed,)) for ids, seed in zip(prompts, seeds, strict=True)]
        return [group[0] for group in self.engine.sample(requests, params)] if requests else []

    def _principle(self, seed: int, problem: Problem, transcript: Transcript) -> Principle:
        """Drawn anew for every answer and round."""
        place = derived_seed(seed, "principle", problem.id, transcript.sample)
        return random.Random(place).choice(self.constitution.principles)

    def _transcript(self, problem: Problem, number: int, completion: Completion) -> Transcript:
        flaw, text = _flaw_of(completion, "answer"), completion.text.strip()
        return Transcript(
            problem.id,
            number,
            problem.question,
            text,
            flaw,
            self._gold(problem, text),
            len(completion.token_ids),
        )

    def _round(
        self,
        turn: _Turn,
        critique: Completion,
        revision: Completion | None,
        flaw: Flaw | None,
    ) -> Round:
        text, said, num_tokens = turn.text, "", len(critique.token_ids)
        if revision is not None:
            flaw, said = _flaw_of(revision, "revision"), revision.text.strip()
            text = said if flaw is None else text
            num_tokens += len(revision.token_ids)
        return Round(
            turn.principle.id,
            turn.principle.critique_request,
            critique.text.strip(),
            turn.principle.revision_request,
            said,
            text,
            flaw,
            self._gold(turn.problem, text),
            num_tokens,
        )

    def _gold(self, problem: Problem, text: str) -> Mapping[str, float] | None:
        return true_reward(self.task, problem, text)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is asked in one round about one answer."""

    place: int
    problem: Problem
    transcript: Transcript
    principle: Principle

    @property
    def text(self) -> str:
        return self.transcript.text


def _flaw_of(completion: Completion, what: str) -> Flaw | None:
    """Without words, or cut by the limit of tokens."""
    flaws: Mapping[tuple[str, bool], Flaw] = {
        ("answer", True): "cut_answer",
        ("answer", False): "empty_answer",
        ("critique", True): "cut_critique",
        ("critique", False): "empty_critique",
        ("revision", True): "cut_revision",
        ("revision", False): "empty_revision",
    }
    if completion.is_truncated or not completion.text.strip():
        return flaws[what, completion.is_truncated]
    return None
