from __future__ import annotations

import pytest
import torch

from burnish.errors import DataError
from burnish.methods.constitutional.revise import HELPFUL, TRANSCRIPTS
from burnish.methods.constitutional.supervise import (
    SuperviseConfig,
    revisions_and_answers,
    supervise,
)
from burnish.methods.constitutional.transcripts import Round, Transcript, write_transcripts
from burnish.training.stage import StageRun


def made(text: str, flaw=None) -> Round:
    return Round("kind", "?", "No.", "!", text, text, flaw, None, 5)


@pytest.fixture
def folder(talking_bench, tmp_path):
    """Two answers with three usable revisions, and an answer that is not revised."""
    one, two, three, four = (problem.id for problem in talking_bench.problems("train")[:4])
    revised = [
        Transcript(one, 0, "q", "First.", None, None, 3, (made("Second."), made("Third."))),
        Transcript(
            two, 0, "q", "Fourth.", None, None, 3, (made("", "cut_revision"), made("Fifth."))
        ),
    ]
    helpful = [
        Transcript(three, 0, "q", "Sixth.", None, None, 3),
        Transcript(four, 0, "q", "Seventh and", "cut_answer", None, 3),
    ]
    write_transcripts(tmp_path / TRANSCRIPTS, revised)
    write_transcripts(tmp_path / HELPFUL, helpful)
    return tmp_path


def texts(tokenizer, examples, *, of_target: bool) -> list[str]:
    return [
        tokenizer.decode(
            [i for i, own in zip(e.token_ids, e.is_action, strict=True) if own == of_target]
        ).removeprefix("<bos>")
        for e in examples
    ]


def test_all_usable_revisions_and_helpful_answers_are_learnt_as_answers_to_the_question(
    talking_bench, folder
):
    policy = talking_bench.load_policy()
    problems = {p.id: p for p in talking_bench.problems("train")}
    found = revisions_and_answers(
        folder, [*problems.values()], talking_bench.renderer(policy), dev_share=0.4
    )
    revisions = [*found.revisions, *found.dev]
    said = sorted(texts(policy.tokenizer, revisions, of_target=True))
    assert said == ["Fifth.<eos>", "Second.<eos>", "Third.<eos>"]
    assert texts(policy.tokenizer, found.answers, of_target=True) == ["Sixth.<eos>"]
    everything = [*revisions, *found.answers]
    assert texts(policy.tokenizer, everything, of_target=False) == [
        f"{problems[e.problem_id].question}\n" for e in everything
    ]


def test_revisions_of_a_problem_are_all_learnt_or_all_held_out(talking_bench, folder):
    renderer = talking_bench.renderer(talking_bench.load_policy())
    found = revisions_and_answers(folder, talking_bench.problems("train"), renderer, dev_share=0.4)
    learnt, held_out = ({e.problem_id for e in rows} for rows in (found.revisions, found.dev))
    assert learnt
    assert held_out
    assert not learnt & held_out


def test_nothing_usable_is_an_error_that_says_where_to_look(talking_bench, folder):
    unusable = Transcript("x", 0, "q", "No.", None, None, 3, (made("", "empty_revision"),))
    write_transcripts(folder / TRANSCRIPTS, [unusable])
    renderer = talking_bench.renderer(talking_bench.load_policy())
    with pytest.raises(DataError, match="of 1 answers 0 were revised"):
        revisions_and_answers(folder, talking_bench.problems("train"), renderer, dev_share=0.4)


def test_first_step_says_what_was_mixed_and_all_of_them_learn(talking_bench, folder, tmp_path):
    run = StageRun("sl_cai", tmp_path / "run", seed=1, artifacts={"revise": folder})
    config = SuperviseConfig.model_validate(
        {"epochs": 4, "batch_size": 2, "optimizer": {"learning_rate": 1e-2}}
    )
    stage = supervise(run, bench=talking_bench, config=config, data="revise", start=None)
    found = [result.metrics for result in stage]
    assert found[0]["data/revisions"] + found[0]["data/helpful_answers"] in (2.0, 3.0)
    assert found[0]["data/helpful_answers"] == 1.0
    assert "data/revisions" not in found[1]
    assert found[-1]["train/loss"] < found[0]["train/loss"]
    assert run.measure is not None
    assert run.measure()["dev/logp"] < 0.0
    assert run.model is not None
    before = talking_bench.load_policy().network.state_dict()
    after = run.model.network.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
