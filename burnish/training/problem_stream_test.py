from __future__ import annotations

from burnish.training.problem_stream import ProblemStream, RestConfig
from burnish.training.seeds import batch_indices
from burnish.types import Group, Problem, Score, StopReason, Trajectory

PROBLEMS = [Problem(str(n), f"{n}?", str(n)) for n in range(5)]
REST = RestConfig(passes=1, max_passes=3)


def stream(rest: RestConfig | None = REST) -> ProblemStream:
    return ProblemStream(PROBLEMS, seed=4, rest=rest)


def group(name: str, *right: bool) -> Group:
    rows = tuple(
        Trajectory(
            name, (1, 2), (False, True), (0.0,) * 2, (0.0,) * 2,
            Score(float(is_right), is_right, None), StopReason.EOS, "",
        )
        for is_right in right
    )  # fmt: skip
    return Group(Problem(name, "?", "1"), rows)


def ids(problems: list[Problem]) -> list[str]:
    return [problem.id for problem in problems]


def test_without_rest_problems_are_those_of_the_batches():
    one = stream(rest=None)
    one.observe([group("0", False, False)])
    drawn = [ids(one.draw(3)) for _ in range(4)]
    assert drawn == [
        [str(n) for n in batch_indices(5, step, batch_size=3, seed=4)] for step in range(4)
    ]
    assert one.num_drawn == 12
    assert one.metrics() == {}


def test_a_mixed_group_does_not_rest():
    one = stream()
    first = ids(one.draw(5))
    one.observe([group(name, True, False) for name in first])
    assert sorted(ids(one.draw(5))) == sorted(first)
    assert one.metrics() == {"problems/resting": 0.0}


def test_solved_and_hopeless_problems_are_left_out_of_the_next_pass_and_asked_again():
    one = stream()
    one.draw(5)
    one.observe([group("1", True, True), group("3", False, False)])
    assert one.metrics() == {"problems/resting": 0.4}
    assert sorted(ids(one.draw(3))) == ["0", "2", "4"]
    assert sorted(ids(one.draw(5))) == ["0", "1", "2", "3", "4"]


def test_each_further_time_doubles_the_rest_up_to_the_limit():
    one = stream()
    rests = []
    for _ in range(4):
        one.observe([group("2", False, False)])
        rests.append(one.state_dict()["resting"]["2"])
    assert rests == [1, 2, 3, 3]
    assert "2" not in ids(one.draw(12))
    assert "2" in ids(one.draw(5))


def test_a_mixed_group_ends_the_row():
    one = stream()
    for right in ((False, False), (False, False), (True, False), (True, True)):
        one.observe([group("2", *right)])
    assert one.state_dict()["resting"] == {"2": 1}


def test_a_group_without_a_graded_sample_says_nothing():
    one = stream()
    one.observe([group("2")])
    assert one.metrics() == {"problems/resting": 0.0}


def test_all_problems_at_rest_come_back():
    one = stream()
    first = ids(one.draw(5))
    one.observe([group(name, False) for name in first])
    assert sorted(ids(one.draw(5))) == sorted(first)


def test_a_restored_stream_draws_what_the_other_would_have_drawn():
    one, other = stream(), stream()
    one.draw(7)
    one.observe([group("1", True, True), group("3", False, False)])
    other.load_state_dict(one.state_dict())
    assert [ids(one.draw(4)) for _ in range(3)] == [ids(other.draw(4)) for _ in range(3)]
    assert one.num_drawn == other.num_drawn == 19
