"""The answer of a tree."""

from burnish.search.asks import End, Step
from burnish.search.solutions import best_finished, best_node, solution_at, solutions
from burnish.search.tree import ROOT, Tree


def tree_of(*rows: tuple[float, int, End]) -> Tree:
    """Children of the root by V, visits and end."""
    tree = Tree("t", "?", 0)
    for i, (value, visits, end) in enumerate(rows):
        node = tree.add(ROOT, Step(f"s{i}", 1), value)
        tree.visits[node] = visits
        tree.mark(node, end)
    return tree


def test_the_best_finished_solution_is_not_the_best_node():
    tree = tree_of((0.9, 1, End.OPEN), (0.4, 1, End.FINAL), (0.6, 1, End.FINAL))

    assert (best_node(tree), best_finished(tree)) == (1, 3)


def test_of_equal_values_the_most_visited_and_then_the_first_is_best():
    tree = tree_of((0.5, 1, End.FINAL), (0.5, 3, End.FINAL), (0.5, 3, End.FINAL))

    assert best_finished(tree) == best_node(tree) == 2


def test_where_the_search_ended_early_is_the_answer():
    tree = tree_of((0.9, 1, End.FINAL), (0.4, 1, End.FINAL))
    tree.solution = 2

    assert best_finished(tree) == best_node(tree) == 2


def test_an_empty_tree_has_no_best_node_and_no_solutions():
    tree = Tree("t", "?", 0)

    assert (best_node(tree), best_finished(tree), solutions(tree)) == (None, None, [])


def test_a_solution_has_its_steps_their_values_and_its_verdict():
    tree = tree_of((0.3, 2, End.OPEN))
    node = tree.add(1, Step("end.", 1, (), End.FINAL), 0.7)

    assert solution_at(tree, node).is_correct is None
    tree.verify(node, is_correct=False)
    (solution,) = solutions(tree)

    assert (solution.text, solution.steps) == ("s0end.", ("s0", "end."))
    assert (solution.step_values, solution.value) == ((0.3, 0.7), 0.7)
    assert (solution.visits, solution.is_correct) == (0, False)
