"""Which model a finished run has handed on."""

from __future__ import annotations

from pathlib import Path

from burnish.errors import CheckpointError
from burnish.files.json_text import parse_json
from burnish.files.own_folder import is_plain_name
from burnish.files.text import read_text


def last_model(run: Path) -> Path | None:
    """The folder of the model of the last stage that has one; None where none was to be trained.

    Raises CheckpointError where the run has not come as far as a model.
    """
    for summary in sorted(run.glob("stages/*/stage.json"), reverse=True):
        try:
            told = parse_json(read_text(summary))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{summary}: cannot be read ({error}); it is damaged.") from error
        choice = told.get("hands_on", "") if isinstance(told, dict) else ""
        if choice is None:
            continue
        if not isinstance(choice, str) or not is_plain_name(choice):
            raise CheckpointError(f"{summary}: hands on {choice!r:.60}, no folder of its stage")
        return summary.parent / choice
    if (run / "results.json").exists():
        return None
    raise CheckpointError(
        f"{run} has no trained model: none of its stages has ended with one. Finish the run with "
        "--resume, or name a model with --model."
    )
