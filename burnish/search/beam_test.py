"""Tree of Thoughts, breadth first, on trees worked out by hand."""

from burnish.search.asks import End
from burnish.search.beam import BeamConfig
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import Book
from burnish.search.search import Search
from burnish.search.tree import Tree

BOOK = Book(
    steps={
        "": ["a", "b", "c"],
        "a": ["d", "e"],
        "b": ["f.", "g"],
        "c": ["h."],
        "ad": ["i."],
        "bg": ["j."],
    },
    values={"a": 0.3, "b": 0.5, "c": 0.2, "ad": 0.6, "ae": 0.1, "bf.": 0.7, "bg": 0.4, "adi.": 0.8},
)
CONFIG = BeamConfig(min_chars=1, end_markers=(), end_gate=0.9)


def searched(config: BeamConfig, book: Book = BOOK) -> Tree:
    search = Search(Tree("t", "?", 1), config)
    list(Scheduler(Models(book, book), clock=lambda: 0.0).run([search]))
    return search.tree


def texts(tree: Tree) -> list[str]:
    return [tree.prefix(node).text for node in range(1, len(tree))]


def test_the_two_best_of_each_level_go_on():
    tree = searched(CONFIG)

    # c is dropped; of the second level bf. (finished) and ad go on, ae and bg do not.
    assert texts(tree) == ["a", "b", "c", "bf.", "bg", "ad", "ae", "adi."]
    assert tree.prefix(CONFIG.best(tree) or 0).text == "adi."
    assert tree.num_rounds == 3


def test_visits_count_the_beams_that_a_node_was_part_of():
    tree = searched(CONFIG)

    visits = {tree.prefix(node).text: tree.visits[node] for node in range(len(tree))}
    # Levels: b, a | bf., ad | adi. (c, bg and ae were never in a beam).
    expected = {"": 5, "a": 3, "b": 2, "c": 0, "bf.": 1, "bg": 0, "ad": 2, "ae": 0, "adi.": 1}
    assert visits == expected


def test_a_wider_beam_keeps_more():
    assert "ch." in texts(searched(CONFIG.model_copy(update={"beam_width": 3})))


def test_the_gate_ends_the_search_at_any_node_or_at_a_finished_one():
    low = CONFIG.model_copy(update={"end_gate": 0.45})
    finished = low.model_copy(update={"gate": "finished"})

    first, second = searched(low), searched(finished)

    assert first.prefix(first.solution).text == "b"
    assert second.prefix(second.solution).text == "bf."


def test_a_finished_solution_past_the_gate_counts_though_better_open_ones_fill_the_beam():
    book = Book({"": ["a", "b", "c."]}, {"a": 0.99, "b": 0.98, "c.": 0.95})

    tree = searched(CONFIG.model_copy(update={"gate": "finished"}), book)

    assert tree.prefix(tree.solution).text == "c."


def test_the_greatest_depth_ends_solutions():
    config = CONFIG.model_copy(update={"max_depth": 2})

    tree = searched(config)

    assert [tree.ends[texts(tree).index(t) + 1] for t in ("ad", "bf.")] == [End.DEEP, End.FINAL]
    assert tree.prefix(config.best(tree) or 0).text == "bf."
    any_node = config.model_copy(update={"answer_from": "any"})
    assert tree.prefix(any_node.best(tree) or 0).text == "bf."


def test_the_best_of_any_nodes_may_be_unfinished():
    tree = searched(CONFIG.model_copy(update={"max_depth": 1}))

    assert tree.prefix(CONFIG.best(tree) or 0).text == "b"


def test_a_beam_in_which_all_are_stuck_is_empty():
    book = Book({"": ["ab"], "ab": ["ab"]}, {"ab": 0.5})

    tree = searched(BeamConfig(branch=1), book)

    assert (texts(tree), tree.ends[1], tree.agenda) == (["ab"], End.STUCK, [])
