"""The comparison of searches over seeds, run as a user runs it on folders of `burnish search`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "search_quality.py"


def write_run(folder: Path, rows: dict[str, dict[int, str]]) -> Path:
    """A letter a problem, `x` where it is right; each costs half its budget."""
    folder.mkdir(parents=True)
    searches: dict[str, object] = {
        method: {str(n): {} for n in budgets} for method, budgets in rows.items()
    }
    searches["beam"] = {"900": None}
    (folder / "results.json").write_text(json.dumps({"searches": searches}), "utf-8")
    for method, budgets in rows.items():
        for budget, row in budgets.items():
            lines = [
                json.dumps({"id": f"p{n}", "is_correct": letter == "x", "tokens": budget // 2})
                for n, letter in enumerate(row)
            ]
            (folder / f"{method}-{budget}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def printed(*arguments: object, code: int = 0) -> str:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [
        write_run(
            tmp_path / f"tried-{seed}",
            {"mcts": {100: "x...", 400: "xxx."}, "vote": {100: row, 400: row}},
        )
        for seed, row in ((1, "xx.."), (2, "xxx."))
    ]


def test_seeds_are_pooled_and_leads_are_told(folders, tmp_path):
    out, figure = tmp_path / "quality.json", tmp_path / "quality.svg"
    text = printed(*folders, "--out", out, "--figure", figure)
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| MCTS* |")]
    assert [row[2] for row in rows] == ["50", "200"]
    assert rows[1][3].startswith("75.0 [")
    vote = [line for line in text.splitlines() if line.startswith("| Self-consistency | 400")]
    assert "| +12.5 [" in vote[0]
    assert vote[0].endswith("| 1 of 2 |")
    assert "MCTS* is highest from 400 on\n100 tokens: ahead of it Self-consistency" in text
    numbers = json.loads(out.read_text("utf-8"))["tried"]
    assert list(numbers) == ["mcts", "vote"]
    assert numbers["vote"]["100"]["by_seed"] == {"1": 0.5, "2": 0.75}
    assert numbers["vote"]["100"]["mcts_ahead"]["difference"]["value"] == pytest.approx(-0.375)
    assert figure.read_text("utf-8").count('class="curve"') == 2


def test_a_folder_without_results_is_told(tmp_path):
    assert "holds no results.json" in printed(tmp_path, code=1)
