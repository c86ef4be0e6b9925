"""Files of users are read, or refused at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from burnish.files.text import NotTextError, read_text


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa\r\nb")
    assert read_text(tmp_path / "a") == "a\r\nb"


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="named pipe"):
        read_text(tmp_path / "pipe")


def test_a_device_without_an_end_is_refused():
    with pytest.raises(OSError, match="device"):
        read_text(Path("/dev/zero"))


def test_a_folder_is_refused_and_leaves_nothing_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(IsADirectoryError):
        read_text(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_past_the_limit_is_refused_with_its_size(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 11)
    assert read_text(tmp_path / "a", most_bytes=11) == "x" * 11
    with pytest.raises(OSError, match="it has 11 bytes, more than the 10"):
        read_text(tmp_path / "a", most_bytes=10)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"a\nb\n\xffc", "line 3 has the byte 0xff"), (b"\xff\xfea\x00", "looks like UTF-16")],
)
def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path, content, told):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(NotTextError, match=told):
        read_text(tmp_path / "a")


def test_a_path_with_a_zero_character_is_a_value_error():
    with pytest.raises(ValueError, match="null"):
        read_text(Path("a\0b"))
