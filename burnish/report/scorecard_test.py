from __future__ import annotations

from burnish.report.scorecard import scorecard


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 20}


def gold(before: float, after: float):
    return {
        "before": interval(before),
        "after": interval(after),
        "change": interval(after - before),
    }


def results():
    honest = {"preferred": interval(0.6), "gold": gold(2.0, 3.0)}
    models = {
        "revised": {
            "principles": {"honest": honest, "no_insults": {"preferred": interval(0.7)}},
            "gold": gold(0.5, 0.625),
        },
        "rl_cai": {
            "principles": {
                "honest": {"preferred": interval(0.8), "gold": gold(2.0, 3.5)},
                "no_insults": {"unlabelled": 20},
            },
            "gold": gold(0.5, 0.75),
        },
    }
    rounds = [{"reward": interval(0.5)}, {"reward": interval(0.625)}]
    card = {"start": "base", "judge": "a judge", "models": models}
    return {"scorecard": card, "revisions": {"rounds": rounds}}


def test_principles_are_rows_and_later_models_columns():
    card = scorecard(results())
    assert card is not None
    assert card.preferred.columns == ("Revised answers", "RL-CAI")
    assert [row.stage for row in card.preferred.rows] == ["honest", "no_insults"]
    first, second = card.preferred.rows
    assert [cell.text for cell in first.cells if cell] == ["60.0\u00a0%", "80.0\u00a0%"]
    assert second.cells[1] is None
    assert (card.start, card.judge) == ("the base model", "a judge")


def test_true_numbers_stand_before_and_after():
    card = scorecard(results())
    assert card is not None
    assert card.gold is not None
    assert card.gold.columns == ("First answers", "Revised answers", "RL-CAI")
    texts = {row.stage: [cell.text for cell in row.cells if cell] for row in card.gold.rows}
    assert texts == {"reward": ["0.5", "0.625", "0.75"], "honest": ["2", "3", "3.5"]}


def test_each_revision_has_a_column():
    card = scorecard(results())
    assert card is not None
    assert card.rounds is not None
    assert card.rounds.columns == ("First answers", "Revision 1")
    assert card.rounds.rows[0].cells[1] is not None
    assert card.rounds.rows[0].cells[1].interval == "0.525 to 0.725"


def test_task_that_knows_no_worth_has_the_comparisons_alone():
    bare = results()
    for model in bare["scorecard"]["models"].values():
        model.pop("gold")
        for principle in model["principles"].values():
            principle.pop("gold", None)
    card = scorecard(bare | {"revisions": {"rounds": [{}, {}]}})
    assert card is not None
    assert (card.gold, card.rounds) == (None, None)


def test_other_runs_have_no_card():
    assert scorecard({}) is None
    assert scorecard({"scorecard": "broken"}) is None
