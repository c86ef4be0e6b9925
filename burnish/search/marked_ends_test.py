"""Whole solutions end at a marker, wherever that stands in a step."""

from burnish.search.asks import End, Prefix, ProposalRequest, Step
from burnish.search.marked_ends import MarkedEnds
from burnish.search.scripted import Book, SumWorld

ROOT = Prefix("t", "?", 0, ())
BOOK = Book(steps={"": ["a", "b"], "a": ["x [done] y"], "b": ["c"], "bc": ["d~"]})


def test_a_solution_is_finished_by_the_step_with_the_marker_and_cut_where_it_is_cut():
    (found,) = MarkedEnds(BOOK, ["[DONE]"]).propose([ProposalRequest(ROOT, (1, 2), None)])
    first = [(step.text, step.end) for step in found[0]]
    assert first == [("a", End.OPEN), ("x [done] y", End.FINAL)]

    (found,) = MarkedEnds(OnlyB(), ["[DONE]"]).propose([ProposalRequest(ROOT, (1,), None)])
    assert [(step.text, step.end) for step in found[0]] == [
        ("b", End.OPEN),
        ("c", End.OPEN),
        ("d~", End.CUT),
    ]


class OnlyB:
    """The book's second page."""

    def propose(self, requests):
        both = [replace_seeds(request) for request in requests]
        return [[continuations[1]] for continuations in BOOK.propose(both)]


def replace_seeds(request: ProposalRequest) -> ProposalRequest:
    return ProposalRequest(request.prefix, (1, 2), request.max_steps)


def test_solutions_grow_side_by_side_each_with_its_own_seed():
    world = SumWorld(addends=(2, 3))
    root = Prefix("t", "12", 0, ())
    whole = ProposalRequest(root, (5, 6, 5), None)
    step = ProposalRequest(root.followed_by(Step("+2 = 2\n", 3)), (9,), 1)

    rest, one = MarkedEnds(world, ["never"]).propose([whole, step])

    assert [len(one), len(one[0])] == [1, 1]
    assert rest[0] == rest[2] != rest[1]
    assert all(steps[-1].end == End.FINAL for steps in rest)
    assert world.num_asked["propose"][0] == 3
    assert len(set(rest[0])) > 2
    (alone,) = MarkedEnds(world, ["never"]).propose([ProposalRequest(root, (6,), None)])
    assert alone[0] == rest[1]


def test_what_is_on_the_way_to_a_marker_is_asked_for_with_its_advice():
    asked: list[ProposalRequest] = []

    class Noting:
        def propose(self, requests):
            asked.extend(requests)
            return BOOK.propose(requests)

    MarkedEnds(Noting(), ["[done]"]).propose([ProposalRequest(ROOT, (1,), None, "hurry")])

    assert [(r.prefix.text, r.max_steps, r.advice) for r in asked] == [
        ("", 1, "hurry"),
        ("a", 1, "hurry"),
    ]
    assert asked[0].seeds == (1,)
    assert asked[1].seeds != (1,)
