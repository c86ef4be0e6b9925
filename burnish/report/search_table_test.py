from __future__ import annotations

import json

import pytest

from burnish.report.build import write_report
from burnish.report.build_test import Balance, sections
from burnish.report.fake_trees import sum_trees
from burnish.report.search_table import search_table
from burnish.search.tree_file import write_trees


def row_of(accuracy: float) -> dict[str, object]:
    interval = {"value": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1, "n": 40}
    costs = {"tokens": 1980.4, "sampled_tokens": 620.0, "value_tokens": 1360.4, "nodes": 57.2}
    return {"accuracy": interval, "covered": {**interval, "value": accuracy + 0.05}, **costs}


RESULTS = {
    "test_size": 40,
    "without_gold": 0,
    "searches": {
        "mcts": {"2000": row_of(0.4), "12000": row_of(0.55), "40000": None},
        "vote": {"2000": row_of(0.45)},
    },
}


def test_each_method_and_budget_that_is_done_has_a_row():
    found = search_table(RESULTS)
    assert found is not None
    assert found.table.columns == ("Accuracy", "A right one anywhere", "Tokens", "Nodes")
    assert [row.stage for row in found.table.rows] == [
        "MCTS*, 2,000 tokens",
        "MCTS*, 12,000 tokens",
        "Self-consistency, 2,000 tokens",
    ]
    texts = [cell.text for cell in found.table.rows[0].cells if cell]
    assert texts == ["40.0\u00a0%", "45.0\u00a0%", "1980", "57.2"]
    tokens = found.table.rows[0].cells[2]
    assert tokens is not None
    assert tokens.interval == "620 sampled, 1360 read"
    assert found.hues["MCTS*, 12,000 tokens"] == "blue"


def test_headline_names_the_search_that_is_right_most_often():
    found = search_table(RESULTS)
    assert found is not None
    assert found.headline == "MCTS*, 12,000 tokens a problem: 55.0\u00a0% of 40 problems right."


@pytest.mark.parametrize(
    "searches", [None, {}, [], {"mcts": None}, {"mcts": {"2000": None}}, {"mcts": {"x": {}}}]
)
def test_nothing_done_is_no_table(searches):
    assert search_table({"searches": searches}) is None


def test_budgets_are_drawn_as_curves_where_a_method_has_two():
    found = search_table(
        {
            "searches": {
                "mcts": {
                    "2000": row_of(0.4),
                    "12000": {**row_of(0.55), "tokens": 11500},
                    "20000": {"tokens": 9},
                },
                "vote": {"2000": row_of(0.45)},
            }
        }
    )
    assert found is not None
    assert found.figure.count('class="curve"') == 2
    assert "MCTS*, 11,500 tokens: 55.0\u00a0%" in found.figure
    single = search_table({"searches": {"mcts": {"2000": row_of(0.4)}}})
    assert single is not None
    assert single.figure == ""


def test_numbers_that_are_missing_leave_their_cells_empty():
    found = search_table({"searches": {"mcts": {"2000": {"tokens": 9}}}})
    assert found is not None
    assert [cell and cell.text for cell in found.table.rows[0].cells] == [None, None, "9", None]
    assert found.headline == ""


def test_folder_of_searches_has_their_table_and_their_trees_mcts_first(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(RESULTS), "utf-8")
    for name in ("vote", "mcts", "beam"):
        write_trees(tmp_path / f"{name}.trees", sum_trees(1))
    page = write_report(tmp_path).read_text("utf-8")
    assert sections(page) == ["searches", "trees"]
    assert page.count('<svg class="searches"') == 1
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert '<p class="headline">MCTS*, 12,000 tokens a problem' in page
    assert '<h3 class="split">MCTS*: 1 tree</h3>' in page
    assert "Tree of Thoughts, breadth first: 1 tree</summary>" in page


def test_folder_whose_first_search_is_under_way_says_how_many_trees_there_are(tmp_path):
    (tmp_path / "config.yaml").write_text("task: {type: gsm8k}", "utf-8")
    write_trees(tmp_path / "mcts.trees", sum_trees(3))
    page = write_report(tmp_path).read_text("utf-8")
    assert '<p class="headline">3 search trees so far.' in page
    assert "<h1>Search on GSM8K</h1>" in page
