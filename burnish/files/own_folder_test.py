"""Nothing is written outside a folder of one's own."""

from __future__ import annotations

import pytest

from burnish.files.own_folder import first_link, is_plain_name, open_no_link


@pytest.mark.parametrize("name", ["sft", "search_1", "warm-up.2", "07"])
def test_plain_names_are_names(name):
    assert is_plain_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/etc", "a\\b", ".hidden", "a b", "a\0", "a\n", "x" * 200],
)
def test_names_that_lead_elsewhere_are_none(name):
    assert not is_plain_name(name)


def test_a_link_is_not_written_through(tmp_path):
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError), open(tmp_path / "link", "w", opener=open_no_link):  # noqa: PT011
        pass
    assert target.read_text() == "mine"
    with open(tmp_path / "new", "w", opener=open_no_link) as file:
        file.write("new")
    assert (tmp_path / "new").read_text() == "new"


def test_links_are_found_at_any_depth_but_the_folder_may_be_one(tmp_path):
    inner = tmp_path / "run" / "stages"
    inner.mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "run")
    assert first_link(tmp_path / "runs") is None
    (inner / "01-sft").symlink_to(tmp_path)
    assert first_link(tmp_path / "run") == inner / "01-sft"
