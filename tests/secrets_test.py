"""A planted key is in no run folder, report, cache, output or error, whoever repeats it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from burnish.cli.main import app
from burnish.graders.model_client.scripted_server import Reply, ScriptedServer

KEY = "sk-planted-0123456789abcdef"
OTHER = "header-planted-9876543210"
QUICK = "max_retries: 0, first_wait_s: 0.001"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def recipe(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLANTED_API_KEY", KEY)
    monkeypatch.setenv("PLANTED_HEADER_TOKEN", OTHER)
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(model_folder)},
        "task": {"type": "arithmetic", "train_size": 4, "dev_size": 1, "test_size": 2},
        "method": {"type": "sft", "epochs": 1, "batch_size": 4},
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 4},
        "compute": {"dtype": "float32", "device": "cpu"},
        "max_grader_failures": 1.0,
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def train(recipe: Path, *overrides: str) -> Result:
    out = recipe.parent / "run"
    return CliRunner().invoke(app, ["train", str(recipe), *overrides, "--out", str(out)])


def everything(result: Result, folder: Path) -> str:
    """All that was written below a folder, and all that was said."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "recipe.yaml")
    written = [path.read_bytes().decode("utf-8", "replace") for path in files]
    error = result.exception
    trace = "".join(traceback.format_exception(error)) if error is not None else ""
    return "\n".join([result.output, result.stderr, trace, *written])


def endpoint(server: ScriptedServer) -> str:
    return (
        f"grader={{type: endpoint, url: '{server.url}', {QUICK}, api_key_env: PLANTED_API_KEY, "
        "headers_env: {X-Team-Token: PLANTED_HEADER_TOKEN}}"
    )


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"score": 1.0, "echo": f"{KEY} {OTHER}"}),
        Reply({"error": f"wrong key {KEY}, header {OTHER}"}, status=401),
        Reply({"error": f"{'x' * 280} {KEY}"}, status=500),
        Reply({"echo": [KEY, OTHER]}),
        Reply(f"no JSON but {KEY} and {OTHER}"),
    ],
    ids=["paid", "refused", "cut", "no score", "no JSON"],
)
def test_a_run_whose_server_repeats_the_keys_keeps_them_nowhere(recipe, server, reply):
    server.script = [reply]
    result = train(recipe, endpoint(server), f"description='the key is {KEY}'")
    is_paid = reply.body == {"score": 1.0, "echo": f"{KEY} {OTHER}"}
    assert result.exit_code == (0 if is_paid else 2), (result.output, result.exception)
    headers = {name.lower(): value for name, value in server.requests[0].headers.items()}
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["x-team-token"] == OTHER
    found = everything(result, recipe.parent)
    assert "planted-0123" not in found
    assert "header-planted" not in found
    config = yaml.safe_load((recipe.parent / "run" / "config.yaml").read_text(encoding="utf-8"))
    assert config["description"] == "the key is ***"
    assert config["grader"]["api_key_env"] == "PLANTED_API_KEY"


def test_a_recipe_with_a_key_in_it_is_continued_although_the_folder_hides_it(recipe):
    override = f"description='the key is {KEY}'"
    assert train(recipe, override).exit_code == 0
    out = str(recipe.parent / "run")
    again = CliRunner().invoke(app, ["train", str(recipe), override, "--out", out, "--resume"])
    assert again.exit_code == 0, (again.output, again.exception)


def test_a_judges_kept_replies_hold_no_key(recipe, server, tmp_path):
    server.script = [Reply.said(f'{{"result": 0.5, "echo": "{KEY}"}}')]
    judge = (
        "grader={type: score_model, model: judge, input: [{role: user, content: Good}], "
        f"served_by: {{type: api, base_url: '{server.url}', api_key_env: PLANTED_API_KEY, "
        f"cache_folder: '{tmp_path / 'cache'}', {QUICK}}}}}"
    )
    result = train(recipe, judge)
    assert result.exit_code == 0, (result.output, result.exception)
    assert list((tmp_path / "cache").rglob("*.json"))
    assert "planted-0123" not in everything(result, recipe.parent)


@pytest.mark.parametrize(
    ("setting", "advice"),
    [
        (f"api_key_env: {KEY}", "api_key_env"),
        (f"api_key: {KEY}", "api_key_env"),
        (f"headers: {{Authorization: Bearer {KEY}}}", "headers_env"),
        (f"headers: {{X-Api-Key: {KEY}}}", "headers_env"),
        (f"headers: {{X-Team: {KEY}}}", "headers_env"),
        (f"headers: {{X-Team: [{KEY}]}}", "headers"),
        (f"headers_env: {{X-Team: {KEY}}}", "headers_env"),
        (f"timeout_s: {KEY}", "timeout_s"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_a_key_in_the_wrong_place_is_refused_without_being_told(recipe, setting, advice, debug):
    override = f"grader={{type: endpoint, url: 'http://a.example', {setting}}}"
    result = train(recipe, override, *["--debug"] * debug)
    assert result.exit_code == (1 if debug else 2)
    assert debug or advice in result.stderr
    assert "planted-0123" not in everything(result, recipe.parent)
    assert not (recipe.parent / "run" / "config.yaml").exists()


@pytest.mark.parametrize("url", [f"http://me:{KEY}@a.example", f"http://a.example/?key={KEY}"])
@pytest.mark.parametrize("grader", ["endpoint, url", "score_model, served_by.base_url"])
def test_a_key_in_an_address_is_refused_without_being_told(recipe, url, grader):
    if grader.startswith("endpoint"):
        override = f"grader={{type: endpoint, url: '{url}'}}"
    else:
        served = f"{{type: api, base_url: '{url}'}}"
        asked = "[{role: user, content: a}]"
        override = f"grader={{type: score_model, model: m, input: {asked}, served_by: {served}}}"
    result = train(recipe, override)
    assert result.exit_code == 2, (result.output, result.exception)
    assert "planted-0123" not in everything(result, recipe.parent)


def test_an_override_that_is_none_is_told_without_the_key_in_it(recipe):
    result = train(recipe, f"grader.api_key {KEY}")
    assert result.exit_code == 2
    assert "KEY=VALUE" in result.stderr
    assert "planted-0123" not in everything(result, recipe.parent)


@pytest.mark.parametrize("value", ["two words of a key", "schlüssel-0123456789", "a\nb-0123456789"])
def test_a_key_that_fits_no_header_is_refused_without_being_told(
    recipe, server, monkeypatch, value
):
    monkeypatch.setenv("PLANTED_API_KEY", value)
    result = train(recipe, endpoint(server))
    assert result.exit_code == 2, (result.output, result.exception)
    assert "PLANTED_API_KEY" in result.stderr
    assert value not in everything(result, recipe.parent)
