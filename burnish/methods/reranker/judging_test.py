from __future__ import annotations

import pytest
import torch

from burnish.methods.reranker.judging import (
    CompletionVerifier,
    correct_probabilities,
    judged_example,
)
from burnish.models.token_batch import TokenBatch
from burnish.types import Completion, StopReason

TEXTS = ("3 + 4 = 7.", "No idea, but it is a long way from here to there.", "7", "3 + 4 = 7.")


def completion(text: str, stop: StopReason = StopReason.EOS) -> Completion:
    """As of a policy with another tokenizer: its token ids mean nothing to the verifier."""
    return Completion((9999,), (9999,), (0.0,), (0.0,), text, stop)


@pytest.fixture
def verifier(bench):
    torch.manual_seed(5)
    return bench.start_verifier()


def test_prompt_and_completion_are_read_as_in_supervised_training(bench, verifier):
    renderer, problem = bench.renderer(verifier), bench.problems("train")[0]
    imitated = renderer.example(problem)
    target = bench.task.target(problem)
    finished = judged_example(renderer, problem, target, StopReason.EOS)
    assert finished.token_ids == imitated.token_ids
    assert all(finished.is_action)


def test_a_truncated_completion_has_no_eos(bench, verifier):
    renderer, problem = bench.renderer(verifier), bench.problems("train")[0]
    finished = judged_example(renderer, problem, "3 + 4", StopReason.EOS)
    cut = judged_example(renderer, problem, "3 + 4", StopReason.LENGTH)
    assert finished.token_ids == (*cut.token_ids, verifier.tokenizer.eos_token_id)


@torch.no_grad()
def test_values_are_probabilities_of_being_correct_in_the_order_asked(bench, verifier):
    renderer, problem = bench.renderer(verifier), bench.problems("train")[0]
    examples = [judged_example(renderer, problem, text, StopReason.EOS) for text in TEXTS]
    alone = [verifier.logits(TokenBatch.collate([e])).softmax(dim=1)[0, 1].item() for e in examples]
    assert len(set(alone)) == 3
    for max_tokens in (1, 10_000):
        values = correct_probabilities(verifier, examples, max_tokens=max_tokens)
        assert values == pytest.approx(alone, abs=1e-5)
    judge = CompletionVerifier(verifier, renderer, max_tokens=500)
    assert judge(problem, [completion(text) for text in TEXTS]) == pytest.approx(alone, abs=1e-5)
