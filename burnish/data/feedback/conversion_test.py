from burnish.data.feedback.conversion import pairs_of_attributes, pairs_of_ratings
from burnish.types import AttributeRating, Problem, Rating

ASKED, OTHER = Problem("p", "Q", None), Problem("o", "Q2", None)


def test_ratings_of_one_rater_and_prompt_are_paired_by_their_gap():
    ratings = [
        Rating(ASKED, "a", 1, "u", "panel", 2.0),
        Rating(ASKED, "b", 4, "u", "panel", 1.0),
        Rating(ASKED, "c", 4, "u"),
        Rating(ASKED, "d", 0, "v"),
        Rating(OTHER, "e", 0, "u"),
    ]
    found = pairs_of_ratings(ratings)
    assert [(f.chosen, f.rejected, f.strength) for f in found] == [("b", "a", 3), ("c", "a", 3)]
    assert (found[0].source, found[0].weight) == ("panel", 1.5)
    assert pairs_of_ratings(ratings, min_gap=4) == []


def test_the_same_answer_rated_twice_is_no_pair():
    assert pairs_of_ratings([Rating(ASKED, "a", 1, "u"), Rating(ASKED, "a", 3, "u")]) == []


def test_attributes_are_paired_by_their_weighted_sum_where_all_that_counts_is_known():
    ratings = [
        AttributeRating(ASKED, "a", {"good": 3.0, "long": 4.0}),
        AttributeRating(ASKED, "b", {"good": 2.0, "long": 0.0, "other": None}),
        AttributeRating(ASKED, "c", {"good": 4.0, "long": None}),
    ]
    (found,) = pairs_of_attributes(ratings, {"good": 1.0, "long": -0.5})
    assert (found.chosen, found.rejected, found.strength) == ("b", "a", 1.0)
