"""The command finds its scripts in the checkout, and says so where there is none."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from burnish.cli.bench import BENCHMARKS, NAMES, run_benchmark
from burnish.cli.main import app
from burnish.errors import ConfigError


@pytest.mark.parametrize("code", [0, 3])
def test_arguments_reach_the_script_and_its_exit_code_comes_back(tmp_path, code):
    out = tmp_path / "out.txt"
    script = f"import sys; open({str(out)!r}, 'w').write(' '.join(sys.argv[1:])); sys.exit({code})"
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    assert run_benchmark("train", ["--model", "tiny"], tmp_path) == code
    assert out.read_text(encoding="utf-8") == "--model tiny"


def test_every_benchmark_is_in_the_checkout():
    assert all((BENCHMARKS / f"{name}.py").is_file() for name in NAMES)


def test_without_a_checkout_one_paragraph_says_where_the_benchmarks_are(tmp_path):
    with pytest.raises(ConfigError, match=r"rollout\.py: not found.*take a checkout") as caught:
        run_benchmark("rollout", [], tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_benchmark_is_an_error_that_lists_those_there_are():
    result = CliRunner().invoke(app, ["bench", "speed"])
    assert result.exit_code == 2
    assert "rollout, train, search, memory" in result.output


def test_options_after_the_dashes_are_the_scripts(capfd):
    result = CliRunner().invoke(app, ["bench", "memory", "--", "--help"])
    assert result.exit_code == 0
    assert "--tokens" in capfd.readouterr().out
