"""Tree of Thoughts, depth first, on trees worked out by hand."""

from burnish.search.depth_first import DepthFirstConfig
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import Book
from burnish.search.search import Search
from burnish.search.tree import Tree

BOOK = Book(
    steps={
        "": ["a", "b", "c"],
        "a": ["d", "e"],
        "b": ["f", "g"],
        "bf": ["h."],
        "bg": ["i."],
        "ad": ["j."],
        "ae": ["k."],
    },
    values={
        "a": 0.3,
        "b": 0.5,
        "c": 0.2,
        "bf": 0.4,
        "bg": 0.6,
        "ad": 0.05,
        "ae": 0.2,
        "aek.": 0.95,
    },
)
CONFIG = DepthFirstConfig(min_chars=1, end_markers=())


def searched(config: DepthFirstConfig, book: Book = BOOK) -> tuple[Tree, list[str]]:
    """The tree, and the prefixes in the order in which they were grown."""
    search = Search(Tree("t", "?", 1), config)
    list(Scheduler(Models(book, book), clock=lambda: 0.0).run([search]))
    tree = search.tree
    firsts = [tree.children[node][0] for node in range(len(tree)) if tree.is_expanded[node]]
    return tree, [tree.prefix(tree.parents[first]).text for first in sorted(firsts)]


def test_the_best_child_is_grown_first_and_dead_ends_are_left_for_the_next_best():
    tree, grown = searched(CONFIG)

    assert grown == ["", "b", "bg", "bf", "a", "ae"]
    assert tree.prefix(tree.solution).text == "aek."


def test_only_the_kept_children_are_tried():
    assert searched(CONFIG.model_copy(update={"keep": 1}))[1] == ["", "b", "bg"]


def test_children_worth_too_little_are_not_tried():
    assert searched(CONFIG.model_copy(update={"prune_below": 0.35}))[1] == ["", "b", "bg", "bf"]


def test_a_finished_solution_past_the_gate_counts_though_it_is_not_kept():
    book = Book({"": ["a", "b", "c."]}, {"a": 0.99, "b": 0.98, "c.": 0.95})

    tree, grown = searched(CONFIG.model_copy(update={"gate": "finished", "keep": 1}), book)

    assert tree.prefix(tree.solution).text == "c."
    assert grown == [""]


def test_the_number_of_expansions_is_bounded():
    assert searched(CONFIG.model_copy(update={"max_expansions": 2}))[1] == ["", "b"]
