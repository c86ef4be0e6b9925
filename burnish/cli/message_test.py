from __future__ import annotations

from burnish.cli.message import paragraph


def test_a_message_is_one_paragraph_without_control_characters():
    assert paragraph("a\r\n\n \nb\x1b[2Jc\ud800 \n") == "a\nb?[2Jc?"


def test_a_message_has_an_end():
    assert paragraph("x" * 9000) == "x" * 4000 + " ..."


def test_a_message_shows_no_secret():
    assert paragraph("key sk-0123456789abcdefgh here") == "key *** here"
