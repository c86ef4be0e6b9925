from __future__ import annotations

import pytest

from burnish.report.text_diff import TextDiff, text_diff


def marked(diff: TextDiff) -> tuple[str, str]:
    """Both sides as text, changes in brackets."""
    sides = [
        "".join(p.text if p.mark == "kept" else f"[{p.text}]" for p in side)
        for side in (diff.before, diff.after)
    ]
    return sides[0], sides[1]


def test_numbers_are_marked_whole():
    found = marked(text_diff("26 * 2 = 52.5 apples", "26 * 3 = 58.5 apples"))
    assert found == ("26 * [2] = [52.5] apples", "26 * [3] = [58.5] apples")


def test_similar_words_are_marked_by_character_and_others_whole():
    assert marked(text_diff("she walked off", "she walks off")) == (
        "she walk[ed] off",
        "she walk[s] off",
    )
    assert marked(text_diff("a cat", "a cold")) == ("a [cat]", "a [cold]")


def test_what_is_only_added_leaves_the_earlier_text_unmarked():
    diff = text_diff("It is 7.", "So it is 7, I think.")
    assert marked(text_diff("is 7.", "is 7 now.")) == ("is 7.", "is 7[ now].")
    assert {p.mark for p in diff.after} == {"kept", "added"}


def test_a_rewritten_phrase_is_one_piece():
    assert marked(text_diff("so he eats two left", "so 10 gone 3 left")) == (
        "so [he eats two] left",
        "so [10 gone 3] left",
    )


def test_the_same_text_has_no_change():
    diff = text_diff("the same\ntext", "the same\ntext")
    assert diff.is_same
    assert marked(diff) == ("the same\ntext", "the same\ntext")
    assert not text_diff("the same", "the same ").is_same


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("", "new"),
        ("old", ""),
        ("  spaces \n\n here", "spaces  here\t"),
        ("\u4e8c\u5341\u516b\u4e2a\u82f9\u679c", "\u4e8c\u5341\u516d\u4e2a\u82f9\u679c"),
        ("a\x00b<del>", "a\u202eb</del>"),
    ],
)
def test_pieces_joined_are_the_texts(before, after):
    diff = text_diff(before, after)
    assert "".join(piece.text for piece in diff.before) == before
    assert "".join(piece.text for piece in diff.after) == after


def test_a_script_without_spaces_is_compared_by_character():
    found = marked(text_diff("\u4e8c\u5341\u516b\u4e2a", "\u4e8c\u5341\u516d\u4e2a"))
    assert found == ("\u4e8c\u5341[\u516b]\u4e2a", "\u4e8c\u5341[\u516d]\u4e2a")
