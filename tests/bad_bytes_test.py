"""Files that are no files, no text or no settings, links and bombs: one paragraph, exit code 2."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from tests.bad_input_test import assert_explained, burnish, recipe_tree, rows_recipe, train


@pytest.fixture
def recipe(model_folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe_tree(model_folder)), encoding="utf-8")
    return path


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["found NoneType"]),
        (b"\xef\xbb\xbfdescription: x.\r\n", ["method: Field required"]),
        (b"description: x.\nseed: 1\nseed: 2\n", ["recipe.yaml:3", "'seed' stands twice"]),
        (b"description: \xff\n", ["line 1", "UTF-8"]),
        (b"description: x.\nseed: \x00\n", ["recipe.yaml:2", "not valid YAML"]),
        (BOMB.encode(), ["aliases unfolded"]),
        (b"a: " + b"[" * 2_000, ["nested too deeply"]),
        (b"a: !!python/object/apply:os.system [ls]\n", ["recipe.yaml:1", "is not read"]),
        (b"a" * 2_000_000, ["2000000 bytes"]),
        (b"description: x.\nseed: " + b"9" * 5000, ["recipe.yaml:2", "cannot be read as int"]),
        (b"description: x.\n" + b"k" * 1000 + b": 1\n", ["unknown key"]),
    ],
    ids=[
        "empty",
        "bom",
        "twice",
        "utf8",
        "null",
        "bomb",
        "deep",
        "object",
        "large",
        "digits",
        "key",
    ],
)
def test_a_recipe_of_any_bytes(tmp_path, content, parts):
    (tmp_path / "recipe.yaml").write_bytes(content)
    result = train(tmp_path / "recipe.yaml")
    assert_explained(result, str(tmp_path / "recipe.yaml"), *parts)
    assert len(result.stderr) < 5000


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["the file has no rows"]),
        (b"\n \r\n", ["the file has no rows"]),
        (b'{"prompt": "a", "answer": 1, "answer": 2}', [":1", "'answer' stands twice"]),
        (b'{"prompt": "a", "answer": NaN}', [":1", "NaN is not a JSON number"]),
        (b'{"prompt": "a", "answer": 1e999}', [":1", "1e999 is not a finite number"]),
        (b'{"prompt": "a", "answer": ' + b"9" * 5000 + b"}", [":1", "5000 digits"]),
        (b'{"prompt": "a"}\n' + b"[" * 100_000, [":2", "nested too deeply"]),
        (b'{"prompt": "a"}\n{"prompt": "\xff"}', ["line 2", "0xff"]),
        (b'{"prompt": "a\x00"}', [":1", "control character"]),
        ('{"prompt": "a"}'.encode("utf-16"), ["UTF-16"]),
        (
            b'{"prompt": "' + b"2 + 2? " * 150_000 + b'", "completion": "4", "answer": "4"}',
            ["more than the limit"],
        ),
        (b'{"' + b"k" * 2_000_000 + b'": 1}', [":1", "no question found"]),
        (b'{"prompt": "a", "answer": "4", "id": "' + b"i" * 2_000_000 + b'"}', ["id"]),
    ],
    ids=[
        *[
            "empty",
            "blank",
            "twice",
            "nan",
            "inf",
            "digits",
            "deep",
            "utf8",
            "null",
            "utf16",
            "long",
            "key",
            "id",
        ],
    ],
)
def test_rows_of_any_bytes(recipe, content, parts):
    path = recipe.parent / "rows.jsonl"
    path.write_bytes(content)
    task = f"task={{type: rows, train: {path}, dev: {path}, test: {path}, allow_overlap: true}}"
    result = train(recipe, task, "method={type: reft}")
    assert_explained(result, *parts)
    assert len(result.stderr) < 5000


@pytest.mark.parametrize("place", ["recipe", "rows", "grader"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop", "nothing"])
def test_what_is_no_file_is_refused_without_waiting(recipe, tmp_path, place, kind):
    path = tmp_path / "odd.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind in ("device", "loop"):
        path.symlink_to("/dev/zero" if kind == "device" else path)
    task = f"task={{type: rows, train: {path}, dev: {path}, test: {path}}}"
    commands = {
        "recipe": ("train", path, "--out", tmp_path / "run"),
        "rows": ("train", recipe, task, "--out", tmp_path / "run"),
        "grader": ("grade", "--grader", path, "--sample", "x"),
    }
    assert_explained(burnish(*commands[place]), "odd.yaml", "cannot be read")


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl", "stages", "deep/link"])
def test_a_link_in_a_run_folder_is_not_followed(recipe, tmp_path, name):
    target = tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    link = recipe.parent / "run" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    assert_explained(train(recipe), str(link), "is a link")
    assert target.read_text(encoding="utf-8") == "mine"


def test_a_model_that_a_stage_hands_on_lies_in_its_folder(recipe):
    assert train(recipe).exit_code == 0
    path = recipe.parent / "run" / "stages" / "01-sft" / "stage.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(summary | {"hands_on": "../../../model"}), encoding="utf-8")
    assert_explained(burnish("eval", recipe.parent / "run"), "stage.json", "no folder of its stage")


def test_chat_template_in_a_file_that_is_no_text(recipe, tmp_path):
    (tmp_path / "chat.jinja").write_bytes(b"\xff{{ messages }}")
    result = train(recipe, f"model.chat_template={tmp_path / 'chat.jinja'}")
    assert_explained(result, "chat.jinja", "0xff")


def test_control_characters_of_a_file_do_not_reach_the_terminal(recipe):
    overrides = rows_recipe(recipe, {"prompt": "a", "\x1b[2Janswer": "4"})
    result = train(recipe, *overrides)
    assert_explained(result, "rows.jsonl:1")
    assert "\x1b[2J" not in result.stderr
