"""MCTS*: an iteration by hand, the options one by one, and a golden tree."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from burnish.search.asks import Critic, End, Proposer, Valuer
from burnish.search.mcts import MctsConfig, upper_bound
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import Book, SumWorld
from burnish.search.search import Search
from burnish.search.tree import ROOT, Tree

BOOK = Book(
    steps={
        "": ["a", "b"],
        "a": ["c", "d"],
        "ac": ["e."],
        "b": ["f", "g"],
        "bg": ["h"],
    },
    values={
        "a": 0.5,
        "b": 0.4,
        "ac": 0.7,
        "ad": 0.1,
        "ace.": 0.95,
        "bf": 0.2,
        "bg": 0.3,
        "bgh": 0.1,
    },
)
BY_HAND = MctsConfig(
    branch=2,
    exploration=0.4,
    inf=0.8,
    alpha=0.25,
    roll_forward_steps=1,
    min_chars=1,
    end_markers=(),
)


def searched(
    config: MctsConfig,
    proposer: Proposer,
    valuer: Valuer,
    critic: Critic | None = None,
    question: str = "10",
    seed: int = 1,
) -> Tree:
    search = Search(Tree("t", question, seed), config)
    models = Models(proposer, valuer, critic)
    (ended,) = Scheduler(models, clock=lambda: 0.0).run([search])
    return ended.tree


def node_at(tree: Tree, text: str) -> int:
    (node,) = [i for i in range(len(tree)) if tree.prefix(i).text == text]
    return node


def facts(tree: Tree) -> dict[str, tuple[float, int]]:
    return {
        tree.prefix(i).text: (round(tree.values[i], 6), tree.visits[i]) for i in range(len(tree))
    }


def test_one_iteration_expands_rolls_blends_and_backs_up():
    tree = searched(BY_HAND.model_copy(update={"iteration_limit": 1}), BOOK, BOOK)

    # V(a) = 0.75 * 0.5 + 0.25 * V(ac) = 0.55, and the root is the visited child's mean.
    assert facts(tree) == {"": (0.55, 1), "a": (0.55, 1), "b": (0.4, 0)}


def test_the_second_iteration_goes_to_the_unvisited_child():
    tree = searched(BY_HAND.model_copy(update={"iteration_limit": 2}), BOOK, BOOK)

    # V(bg) = 0.75 * 0.3 + 0.25 * 0.1 = 0.25 = V(b); root (0.55 + 0.25) / 2.
    assert facts(tree) == {
        "": (0.4, 2),
        "a": (0.55, 1),
        "b": (0.25, 1),
        "bf": (0.2, 0),
        "bg": (0.25, 1),
    }


def test_four_iterations_have_the_visits_and_values_worked_out_by_hand():
    tree = searched(BY_HAND.model_copy(update={"iteration_limit": 4}), BOOK, BOOK)

    assert facts(tree) == {
        "": (0.775, 4),  # (3 * 0.95 + 1 * 0.25) / 4
        "a": (0.95, 3),  # (2 * 0.95 + 0 * 0.1) / 2
        "b": (0.25, 1),
        "bf": (0.2, 0),
        "bg": (0.25, 1),
        "ac": (0.95, 2),  # 0.7625 before its only child was visited
        "ad": (0.1, 0),
        "ace.": (0.95, 1),  # finished: not rolled on
    }
    assert tree.solution == -1


def test_the_search_ends_at_the_gate_and_returns_that_node():
    tree = searched(BY_HAND, BOOK, BOOK)

    assert tree.num_rounds == 5
    assert tree.prefix(tree.solution).text == "ace."
    assert BY_HAND.best(tree) == tree.solution


def test_no_prefix_is_valued_twice_though_rollouts_meet_nodes_again():
    tree = searched(BY_HAND.model_copy(update={"iteration_limit": 4}), BOOK, BOOK)

    # a b | ac | bf bg | bgh | ad (ac is known) | ace. | nothing: ace. is known
    assert tree.spent.value_tokens == 8


def test_the_upper_bound_is_value_and_exploration():
    config = MctsConfig(exploration=0.3, log_factor=2.0, inf=0.8)
    paper = MctsConfig(exploration=0.3, log_factor=1.0)

    assert upper_bound(config, 0.5, 0, 9) == pytest.approx(1.3)
    assert upper_bound(config, 0.5, 4, 9) == pytest.approx(0.5 + 0.3 * math.sqrt(math.log(9) / 2))
    assert upper_bound(paper, 0.5, 4, 9) == pytest.approx(0.5 + 0.3 * math.sqrt(math.log(9) / 4))


def test_equal_proposals_merge_so_that_fewer_than_b_remain():
    book = Book({"": ["a", "b", "a"]}, {"a": 0.1})
    config = MctsConfig(branch=3, min_chars=1, iteration_limit=1, roll_forward_steps=0)

    merged = searched(config, book, book)

    assert [step.text for step in merged.steps] == ["", "a", "b"]
    assert merged.spent.model_calls == 3 + 2


def test_a_found_solution_is_marked_and_the_search_goes_on_when_data_are_made():
    config = BY_HAND.model_copy(update={"when_found": "continue", "iteration_limit": 9})

    tree = searched(config, BOOK, BOOK)

    assert tree.solution == -1
    assert tree.visits[node_at(tree, "ace.")] > 1


def test_an_open_node_past_the_gate_is_ended_as_published_or_grown_where_asked():
    book = Book({"": ["ab"], "ab": ["cd."], "abcd.": []}, {"ab": 0.95, "abcd.": 0.95})
    config = MctsConfig(branch=1, roll_forward_steps=0, when_found="continue", iteration_limit=4)

    published = searched(config, book, book)
    finished = searched(config.model_copy(update={"gate": "finished"}), book, book)

    assert (len(published), published.ends[1]) == (2, End.FINAL)
    assert (len(finished), finished.ends[1], finished.ends[2]) == (3, End.OPEN, End.FINAL)


def test_a_marker_in_any_case_ends_a_solution():
    book = Book({"": ["The Answer IS 4\n"]}, {})

    tree = searched(MctsConfig(branch=1, iteration_limit=3), book, book)

    assert tree.ends[1] == End.FINAL
    assert tree.spent.proposal_tokens == 16  # not rolled on, not expanded


def test_a_marker_in_a_step_that_was_cut_does_not_finish_it():
    book = Book({"": ["the answer is ~"]}, {})

    tree = searched(MctsConfig(branch=1, iteration_limit=3), book, book)

    assert tree.ends[1] == End.CUT


def test_a_step_at_which_the_policy_ends_is_never_too_short_or_a_repetition():
    book = Book({"": ["."]}, {".": 0.3})

    tree = searched(MctsConfig(branch=1, min_chars=2, repeats="contained"), book, book)

    assert (len(tree), tree.ends[1], tree.spent.proposal_tokens) == (2, End.FINAL, 1)


def test_a_proposal_that_never_ends_is_marked_worth_nothing_and_not_valued():
    book = Book({"": ["ab", "cd~"], "ab": ["ef~"]}, {"ab": 0.3, "cd~": 0.8, "abef~": 0.9})
    config = MctsConfig(branch=2, roll_forward_steps=1, iteration_limit=2, exploration=0.0, inf=0.0)

    tree = searched(config, book, book)

    cut = node_at(tree, "cd~")
    assert (tree.ends[cut], tree.values[cut]) == (End.CUT, 0.0)
    assert tree.spent.value_tokens == 1
    assert tree.values[node_at(tree, "abef~")] == 0.0


def test_a_node_without_acceptable_proposals_is_stuck_after_all_tries():
    book = Book({"": ["ab"], "ab": ["ab", "x"]}, {"ab": 0.5})
    config = MctsConfig(branch=2, num_tries=3, roll_forward_steps=0, iteration_limit=9)

    tree = searched(config, book, book)

    assert tree.ends[1] == End.STUCK
    assert tree.spent.proposal_tokens == 2 * 2 + 3 * (2 + 1)
    assert tree.num_requests == 1 + 3
    assert config.best(tree) == 1


def test_a_short_step_is_refused_by_containment_only_where_that_is_asked_for():
    book = Book({"": ["abc"], "abc": ["bc"]}, {"abc": 0.5})
    config = MctsConfig(branch=1, roll_forward_steps=0, iteration_limit=2)

    ours = searched(config, book, book)
    published = searched(config.model_copy(update={"repeats": "contained"}), book, book)

    assert [len(ours), len(published)] == [3, 2]


def test_duplicates_can_be_asked_for_again():
    class Numbered(Book):
        """Proposes by seed, so that another seed is another step."""

        def _continuation(self, request, place):
            return super()._continuation(request, request.seeds[place])

    book = Numbered({"": [f"s{i}" for i in range(6)]}, {})
    config = MctsConfig(branch=5, roll_forward_steps=0, iteration_limit=1, num_tries=50)

    merged = searched(config, book, book)
    filled = searched(config.model_copy(update={"duplicates": "asked_again"}), book, book)

    assert len(merged) < len(filled) == 6


def test_kept_rollout_steps_are_unvisited_nodes_that_can_be_chosen():
    config = BY_HAND.model_copy(update={"rolled_steps": "kept", "iteration_limit": 1})
    longer = config.model_copy(update={"roll_forward_steps": 2})

    one, two = searched(config, BOOK, BOOK), searched(longer, BOOK, BOOK)

    assert facts(one)["ac"] == (0.7, 0)
    assert not one.is_expanded[node_at(one, "a")]
    assert facts(two)["ace."] == (0.95, 0)
    assert longer.best(two) == node_at(two, "ace.")


def test_a_kept_step_that_is_proposed_again_is_the_same_node():
    config = BY_HAND.model_copy(update={"rolled_steps": "kept", "iteration_limit": 3})

    tree = searched(config, BOOK, BOOK)

    assert tree.children[node_at(tree, "a")] == [node_at(tree, "ac"), node_at(tree, "ad")]
    assert facts(tree)["ac"] == (0.7625, 1)


def test_a_rollout_that_finds_no_step_counts_the_least_value():
    book = Book({"": ["ab"], "ab": ["ab"]}, {"ab": 0.6})
    config = MctsConfig(branch=1, alpha=0.5, roll_forward_steps=2, iteration_limit=1)

    assert facts(searched(config, book, book))["ab"] == (0.3, 1)


def test_a_greedy_rollout_takes_the_best_of_its_branches_and_a_random_one_any():
    book = Book({"": ["ab"], "ab": ["cd", "ef"]}, {"ab": 0.2, "abcd": 0.1, "abef": 0.8})
    config = MctsConfig(branch=1, roll_branch=2, roll_forward_steps=1, iteration_limit=1)

    greedy = searched(config, book, book)
    seen = {
        facts(searched(config.model_copy(update={"roll_policy": "random"}), book, book, seed=s))[
            "ab"
        ][0]
        for s in range(20)
    }

    assert facts(greedy)["ab"] == (0.5, 1)
    assert seen == {0.15, 0.5}


def test_the_critic_ends_solutions_and_its_advice_reaches_the_proposer():
    class Listening(SumWorld):
        """Remembers what advice it was given."""

        def propose(self, requests):
            heard.extend((request.prefix.text, request.advice) for request in requests)
            return super().propose(requests)

    heard: list[tuple[str, str]] = []
    world = Listening(is_silent=True)
    config = MctsConfig(self_critic="ask", iteration_limit=12, when_found="continue")

    tree = searched(config, world, world, world)

    finished = [i for i in range(len(tree)) if tree.ends[i] == End.FINAL]
    assert finished
    assert all(world.nearness(tree.prefix(i)) in (0.0, 1.0) for i in finished)
    assert ("", "") in heard
    assert ("+5 = 5\n", "5 left") in heard
    assert tree.spent.critic_tokens == sum(world.num_asked["criticise"])


def test_a_tree_in_which_nothing_can_be_grown_ends_the_search():
    book = Book({"": ["ab."]}, {"ab.": 0.2})

    tree = searched(MctsConfig(iteration_limit=100), book, book)

    assert tree.num_rounds == 1


def test_the_published_settings_for_data_are_the_third_column_of_the_table():
    config = MctsConfig.for_data()

    assert (config.branch, config.iteration_limit, config.end_gate) == (3, 50, 0.8)
    assert (config.exploration, config.roll_forward_steps, config.inf) == (0.5, 1, 0.9)
    assert (config.alpha, config.when_found) == (0.5, "continue")


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    goal=st.integers(1, 25),
    iterations=st.integers(1, 25),
    rolled=st.sampled_from(["forgotten", "kept"]),
    alpha=st.floats(0, 1),
)
def test_visits_add_up_and_values_stay_in_range(seed, goal, iterations, rolled, alpha):
    world = SumWorld()
    config = MctsConfig(
        iteration_limit=iterations, rolled_steps=rolled, alpha=alpha, when_found="continue"
    )

    tree = searched(config, world, world, question=str(goal), seed=seed)

    assert tree.visits[ROOT] == tree.num_rounds <= iterations
    assert all(0 <= value <= 1 for value in tree.values)
    for node in range(len(tree)):
        below = sum(tree.visits[child] for child in tree.children[node])
        own = tree.visits[node] - below
        # A node is visited once by the rollout it starts, and then each time a child is.
        assert own in (0, 1) or not tree.is_expanded[node]
        assert own == 0 or node != ROOT or not tree.is_expanded[ROOT]


GOLDEN = """
0 <- -1 '' V=0.6000 v=nan n=5 OPEN
1 <- 0 '+1 = 1' V=0.7333 v=0.10 n=3 OPEN
2 <- 0 '+3 = 3' V=0.4000 v=0.30 n=2 OPEN
3 <- 1 '+5 = 6' V=0.9000 v=0.60 n=2 OPEN
4 <- 1 '+2 = 3' V=0.4000 v=0.30 n=1 OPEN
5 <- 4 '+5 = 8' V=0.4000 v=0.80 n=1 OPEN
6 <- 4 '+3 = 6' V=0.6000 v=0.60 n=0 OPEN
7 <- 2 '+5 = 8' V=0.4000 v=0.80 n=1 OPEN
8 <- 2 '+2 = 5' V=0.5000 v=0.50 n=0 OPEN
9 <- 2 '+1 = 4' V=0.4000 v=0.40 n=0 OPEN
10 <- 3 '+2 = 8' V=0.9000 v=0.80 n=1 OPEN
"""


def test_the_golden_tree_of_a_seed():
    world = SumWorld()
    config = MctsConfig.for_data().model_copy(update={"iteration_limit": 5})

    tree = searched(config, world, world, question="9", seed=3)

    lines = [
        f"{i} <- {tree.parents[i]} {tree.steps[i].text.strip()!r} V={tree.values[i]:.4f} "
        f"v={tree.model_values[i]:.2f} n={tree.visits[i]} {End(tree.ends[i]).name}"
        for i in range(len(tree))
    ]
    assert lines == GOLDEN.split("\n")[1:-1]
