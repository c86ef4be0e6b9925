"""`burnish search` with a tiny policy and a tiny value model, both random."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from burnish.cli.main import app
from burnish.cli.search import Wanted, budgets_named
from burnish.errors import ConfigError
from burnish.models.outcome_verifier import start_verifier
from burnish.models.process_reward_model import start_process_reward
from burnish.models.tiny import tiny_model
from burnish.run.search_recipe import SEARCH_METHODS
from burnish.search.asks import End
from burnish.search.tree_file import read_trees
from burnish.training.tree_search import TreeSearcher

SETTINGS = [
    "task.test_size=3",
    "lengths.max_prompt_tokens=200",
    "lengths.max_new_tokens=60",
    "search.max_step_tokens=30",
    "search.temperature=1",
    "search.steps={type: marker, marker: e}",
    "compute.dtype=float32",
    "compute.device=cpu",
]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "policy"
    tiny_model("llama", max_positions=512).save(folder)
    return folder


def save_value_model(folder: Path, *, vocab_size: int = 384) -> Path:
    start = tiny_model("llama", seed=1, max_positions=512, vocab_size=vocab_size)
    model = start_process_reward(start, head="hidden", compute_dtype=torch.float32)
    with torch.no_grad():
        weight = model.network.get_submodule("value_head").get_parameter("weight")
        weight.copy_(torch.linspace(-0.5, 0.5, weight.shape[1]))
    model.save(folder)
    return folder


@pytest.fixture(scope="module")
def value(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_value_model(tmp_path_factory.mktemp("models") / "value")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "outcome"
    torch.manual_seed(3)
    start = tiny_model("llama", seed=2, max_positions=512)
    start_verifier(start, compute_dtype=torch.float32).save(folder)
    return folder


def search(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, ["search", *map(str, arguments)])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return " ".join(result.output.split())


def test_a_question_is_answered_with_steps_and_their_values(policy, value):
    output = search(
        policy, *SETTINGS, "--value", value, "--question", "2 + 2 = ?", "--budget-tokens", "60"
    )
    assert "V ┃ model ┃ step" in output
    assert "0." in output
    assert "sampled" in output
    assert "values;" in output


def test_the_policy_may_be_its_own_critic(policy, value):
    asked = ["--value", value, "--question", "2 + 2 = ?", "--budget-tokens", "90"]
    critic = ["mcts.self_critic=ask", "search.critic={type: advice, max_tokens: 5}"]
    output = search(policy, *SETTINGS, *asked, *critic)
    assert re.search(r"\d+ for \d+ critiques;", output)


def test_whole_samples_may_end_at_a_marker(policy, tmp_path):
    asked = [policy, *SETTINGS, "--method", "greedy", "--limit", "2", "--out"]
    search(*asked, tmp_path / "whole")
    search(*asked, tmp_path / "ended", "end_markers=[e]")
    whole, ended = (read_trees(tmp_path / name / "greedy.trees") for name in ("whole", "ended"))
    for tree, cut in zip(whole, ended, strict=True):
        assert len(cut) == 2 < len(tree)
        assert cut.ends[1] == End.FINAL
        assert tree.prefix(1).text == cut.prefix(1).text


def test_a_question_may_be_answered_by_one_sample_that_nothing_values(policy):
    output = search(policy, *SETTINGS, "--method", "greedy", "--question", "2 + 2 = ?")
    assert "V ┃ step" in output
    assert "0.000" not in output
    assert "1 round" in output
    assert "values" not in output


def test_only_the_end_of_a_sample_has_a_value_where_only_that_was_read(policy, value):
    asked = ["--value", value, "--method", "bon", "--question", "2 + 2 = ?", "bon.num_samples=2"]
    output = search(policy, *SETTINGS, *asked)
    assert "V ┃ step" in output
    assert len(re.findall(r"\b0\.\d{3}\b", output)) <= 1


def test_searches_of_a_task_leave_trees_solutions_and_a_table(policy, value, outcome, tmp_path):
    methods = [part for name in SEARCH_METHODS for part in ("--method", name)]
    output = search(
        policy,
        *SETTINGS,
        "--value",
        value,
        "--outcome",
        outcome,
        *methods,
        "--budget-tokens",
        "200,60",
        "--out",
        tmp_path,
    )
    assert "searches of 3 problems" in output
    assert "…" not in output
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results["searches"]) == [*SEARCH_METHODS]
    for name, rows in results["searches"].items():
        assert list(rows) == ["60", "200"]
        assert 0 < rows["60"]["tokens"] <= rows["200"]["tokens"]
        assert (rows["200"]["value_tokens"] > 0) == (name not in ("vote", "greedy"))
        trees = read_trees(tmp_path / f"{name}.trees")
        assert [tree.tree_id for tree in trees] == [f"arithmetic-0-test-{n}" for n in range(3)]
        lines = (tmp_path / f"{name}-200.jsonl").read_text().splitlines()
        assert [json.loads(line)["id"] for line in lines] == [tree.tree_id for tree in trees]


def test_methods_that_share_samples_and_values_find_what_they_find_alone(
    policy, value, outcome, tmp_path
):
    asked = [policy, *SETTINGS, "--outcome", outcome, "--limit", "2", "--budget-tokens", "150"]
    both = [part for name in ("vote", "orm", "weighted_vote") for part in ("--method", name)]
    search(*asked, *both, "--out", tmp_path / "all")
    search(*asked, "--method", "weighted_vote", "--out", tmp_path / "one")
    trees, alone = (read_trees(tmp_path / name / "weighted_vote.trees") for name in ("all", "one"))
    assert [repr(unclocked(tree)) for tree in trees] == [repr(unclocked(tree)) for tree in alone]
    voted = read_trees(tmp_path / "all" / "vote.trees")
    first = [tree.prefix(1).token_ids for tree in trees]
    assert [tree.prefix(1).token_ids for tree in voted] == first


def unclocked(tree):
    tree.spent = replace(tree.spent, seconds=0.0)
    return tree


def test_greedy_is_one_sample_whatever_the_budget(policy, tmp_path):
    asked = [policy, *SETTINGS, "--method", "greedy", "--limit", "2"]
    search(*asked, "--budget-tokens", "20,900", "--out", tmp_path / "one")
    search(*asked, "seed=7", "--budget-tokens", "20", "--out", tmp_path / "two")
    one, two = (read_trees(tmp_path / name / "greedy.trees") for name in ("one", "two"))
    for tree, other in zip(one, two, strict=True):
        assert tree.visits[0] == 1
        assert [step.token_ids for step in tree.steps] == [step.token_ids for step in other.steps]
    rows = json.loads((tmp_path / "one" / "results.json").read_text())["searches"]["greedy"]
    assert rows["20"] == rows["900"]
    assert 0 < rows["20"]["tokens"] <= 60


def test_samples_whose_steps_all_count_are_read_once(policy, value, tmp_path):
    asked = [policy, *SETTINGS, "--value", value, "--method", "bon", "--budget-tokens", "200"]
    search(*asked, "bon.aggregate=min", "end_markers=[a]", "--out", tmp_path)
    trees = read_trees(tmp_path / "bon.trees")
    assert max(max(tree.depths) for tree in trees) > 2
    for tree in trees:
        assert 0 < tree.spent.value_tokens <= tree.spent.proposal_tokens


def test_an_outcome_model_may_be_a_value_model_read_at_the_end(policy, value, tmp_path):
    asked = [policy, *SETTINGS, "--limit", "2", "--budget-tokens", "150"]
    search(*asked, "--outcome", value, "--method", "orm", "--out", tmp_path / "orm")
    search(*asked, "--value", value, "--method", "bon", "--out", tmp_path / "bon")
    found = [
        json.loads((tmp_path / name / "results.json").read_text())["searches"][name]["150"]
        for name in ("orm", "bon")
    ]
    assert found[0] == found[1]


def test_a_smaller_budget_first_changes_nothing_at_the_larger(policy, value, tmp_path):
    asked = [policy, *SETTINGS, "--value", value, "--limit", "2"]
    search(*asked, "--budget-tokens", "40,90", "--out", tmp_path / "both")
    search(*asked, "--budget-tokens", "90", "--out", tmp_path / "one")
    both, one = (
        json.loads((tmp_path / name / "results.json").read_text())["searches"]["mcts"]["90"]
        for name in ("both", "one")
    )
    assert both == one


def test_a_stopped_search_is_saved_and_resumed_to_the_same_trees(
    policy, value, tmp_path, monkeypatch
):
    asked = [policy, *SETTINGS, "--value", value, "--limit", "2", "--budget-tokens", "300"]
    search(*asked, "--out", tmp_path / "whole")
    grow = TreeSearcher.grow

    def interrupted(self, trees, strategy, budget):
        self._scheduler._should_stop = lambda: len(trees[0]) > 1
        yield from grow(self, trees, strategy, budget)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TreeSearcher, "grow", interrupted)
        output = search(*asked, "--out", tmp_path / "cut", exit_code=130)
    assert "Continue: the same command with --resume" in output
    assert "holds a run already" in search(*asked, "--out", tmp_path / "cut", exit_code=2)
    cut, whole = (read_trees(tmp_path / name / "mcts.trees") for name in ("cut", "whole"))
    assert 1 < len(cut[0]) < len(whole[0])
    search(*asked, "--out", tmp_path / "cut", "--resume")
    results = [(tmp_path / name / "results.json").read_text() for name in ("cut", "whole")]
    assert results[0] == results[1]


def test_a_damaged_tree_file_is_an_error_that_names_it(policy, value, tmp_path):
    asked = [policy, *SETTINGS, "--value", value, "--limit", "1", "--out", tmp_path]
    search(*asked, "--budget-tokens", "30")
    path = tmp_path / "mcts.trees"
    path.write_bytes(path.read_bytes()[:-3])
    output = search(*asked, "--budget-tokens", "60", "--resume", exit_code=2)
    assert "mcts.trees: damaged" in output


def test_trees_of_other_problems_and_lost_budgets_are_errors(policy, value, tmp_path):
    asked = [policy, *SETTINGS, "--value", value, "--limit", "1"]
    search(*asked, "--budget-tokens", "60", "--out", tmp_path / "one")
    again = [*asked, "--out", tmp_path / "one", "--resume", "--budget-tokens"]
    assert "have grown to 60 tokens already" in search(*again, "30", exit_code=2)
    other = [*asked, "--split", "dev", "--out", tmp_path / "two", "--budget-tokens", "60"]
    search(*other)
    (tmp_path / "one" / "mcts.trees").replace(tmp_path / "two" / "mcts.trees")
    output = search(*other[:-1], "90", "--resume", exit_code=2)
    assert "trees of other problems" in output


def test_a_value_model_of_another_tokenizer_is_an_error(policy, tmp_path):
    other = save_value_model(tmp_path / "other", vocab_size=380)
    output = search(policy, *SETTINGS, "--value", other, "--question", "2 + 2", exit_code=2)
    assert "its tokenizer is not that of the policy that proposes the steps" in output


def test_an_empty_tree_is_an_error(policy, value):
    strict = ["mcts.min_chars=1000", "--budget-tokens", "20"]
    output = search(policy, *SETTINGS, *strict, "--value", value, "--question", "2", exit_code=2)
    assert "the tree is empty: mcts found no acceptable step" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "mcts"], "only greedy and vote search without a value model"),
        (["--method", "orm"], "or of its run, with --outcome"),
        (["--method", "weighted_vote"], "with --outcome or --value"),
        (["--method", "orm", "--outcome", "nowhere"], "there is no config.json in it"),
        (["--value", "first_test", "--question", "2 + 2"], "--question has none"),
        (["--value", "first_test", "--limit", "1"], "has no column 'visible_tests'"),
        (["--method", "weighted_vote", "--question", "2"], "weighted_vote compares answers"),
        (["--method", "astar"], "--method astar: there is no such search"),
        (["--method", "vote", "--task", "arithmetik"], "arithmetik"),
        (["--method", "vote", "--question", "2 + 2"], "vote compares answers"),
        (["--method", "vote", "--split", "trian"], "there is no such split"),
        (["--method", "vote", "mcts.brunch=3"], "did you mean 'branch'?"),
        (["--method", "vote", "--task", "lost/recipe.yaml"], "lost/recipe.yaml: cannot be read"),
        (["--value", "nowhere"], "there is no value_head.safetensors in it"),
    ],
)
def test_what_cannot_be_searched_is_told(policy, tmp_path, arguments, message):
    output = search(policy, *arguments, "--out", tmp_path / "out", exit_code=2)
    assert " ".join(message.split()) in output


@pytest.mark.parametrize("text", ["", "0", "10,x", "10,,20", "-5"])
def test_budgets_that_are_no_numbers_of_tokens_are_errors(text):
    with pytest.raises(ConfigError, match="expected numbers of tokens above 0"):
        budgets_named(text)


def test_a_question_is_searched_once():
    for wanted in (
        Wanted(question="?", methods=["mcts", "beam"]),
        Wanted(question="?", budgets=(10, 20)),
    ):
        with pytest.raises(ConfigError, match="one --method and one budget"):
            wanted.checked_methods()
