"""`burnish doctor`: all checks of one recipe, and the few that stand before every training.

The faults that users of this field report and that nothing shows (a loss that depends on how a
batch is cut, a mask that hides EOS, an engine at another temperature, ...) are looked for on the
recipe's own model and rows. docs/reliability.md lists them with the test that plants each.

Weights are put back after every check, and the random state is left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import burnish
from burnish.models.config import ModelConfig
from burnish.run.doctor.check import Check, CheckFamily, all_of, skipped
from burnish.run.doctor.learning import (
    imitation_checks,
    padding_checks,
    policy_update_checks,
    preference_checks,
    reference_checks,
    sampling_checks,
)
from burnish.run.doctor.patient import Effort, Patient
from burnish.run.doctor.resuming import RESUME, check_resume
from burnish.run.doctor.template import Shown, shown
from burnish.run.doctor.texts import (
    grader_checks,
    limit_checks,
    overlap_checks,
    quick_grader_checks,
    template_checks,
)
from burnish.run.doctor.trial import COST, HELD_OUT, tried
from burnish.run.recipe import Recipe

WHOLE = Effort(rows=6, lengths=2000, new_tokens=24)
SHORT = Effort(rows=2, lengths=100, new_tokens=8)
_SHOWN = 2
_TRIALS = (RESUME, COST, HELD_OUT)
_SMALL_BYTES = 64 * 2**20
_SMALL_PARAMETERS = 50_000_000


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found.

    Attributes:
        checks: in the order in which a run meets what they look at.
        shown: examples as text, what is learnt of them marked.
    """

    checks: tuple[Check, ...]
    shown: tuple[Shown, ...] = ()


def whole_examination(recipe: Recipe, *, num_tried: int) -> Examination:
    """Every check. Raises BurnishError where there is no model, or no rows, to look at.

    Args:
        num_tried: steps of every stage that are made for time, memory and what is read; 0: none.
    """
    with torch.random.fork_rng():
        patient = _patient(recipe, WHOLE)
        bench = patient.bench
        checks = _checked(
            ("template", partial(template_checks, patient)),
            ("limits", partial(limit_checks, patient)),
            ("overlap", partial(overlap_checks, bench)),
            ("grader", partial(grader_checks, recipe, bench, WHOLE)),
            ("sampling", partial(sampling_checks, patient)),
            ("padding", partial(padding_checks, patient)),
            ("imitation", partial(imitation_checks, patient)),
            ("policy gradient", partial(policy_update_checks, patient)),
            ("preference", partial(preference_checks, patient)),
            ("reference", partial(reference_checks, patient)),
            ("trial", partial(_trial_checks, patient, num_tried)),
        )
        tokenizer = patient.policy.tokenizer
        return Examination(checks, tuple(shown(e, tokenizer) for e in patient.rows[:_SHOWN]))


def short_examination(recipe: Recipe) -> Examination:
    """Before a training: what takes a second or two, and no server.

    The model is looked at where it is small; where it is not, loading it twice would take longer.
    Raises the BurnishError that the run would raise for a model or rows that cannot be used.
    """
    with torch.random.fork_rng():
        bench = recipe.workbench()
        checks = quick_grader_checks(recipe, bench, SHORT)
        if not _is_small(recipe.model):
            why = f"{recipe.model.name} takes long to load; run `burnish doctor`"
            return Examination((*checks, skipped("the model", why)))
        patient = _patient(recipe, SHORT)
        families = (template_checks, limit_checks, sampling_checks, imitation_checks)
        found = [check for family in (*families, reference_checks) for check in family(patient)]
        return Examination((*checks, *found))


def _checked(*families: tuple[str, CheckFamily]) -> tuple[Check, ...]:
    return tuple(check for name, family in families for check in all_of(name, family))


def _patient(recipe: Recipe, effort: Effort) -> Patient:
    recipe = recipe.model_copy(update={"compute": recipe.compute.pinned()})
    bench = recipe.workbench()
    return Patient(recipe, bench, bench.load_policy(), effort)


def _trial_checks(patient: Patient, num_tried: int) -> Sequence[Check]:
    """What needs real steps of the stages."""
    if not num_tried:
        return [skipped(name, "no steps were tried (--steps 0)") for name in _TRIALS]
    with TemporaryDirectory() as folder:
        costs = tried(patient.recipe, patient.bench, Path(folder), num_tried=num_tried)
    return [_resume_check(patient), *costs]


def _resume_check(patient: Patient) -> Check:
    """Of the first stage; a checkpoint of a large model would fill the disk for a check."""
    if patient.policy.network.num_parameters() > _SMALL_PARAMETERS:
        return skipped(RESUME, "a checkpoint of this model is large; a small model shows it")
    stage = patient.recipe.method.stages(patient.bench)[0]
    with TemporaryDirectory() as folder:
        path = Path(folder) / stage.name
        return check_resume(stage, path, seed=patient.recipe.seed, artifacts={})


def _is_small(model: ModelConfig) -> bool:
    """Whether its weights lie here and are few."""
    folder = Path(model.name).expanduser()
    if model.name.startswith("builtin:"):
        folder = Path(burnish.__file__).parent / "assets" / model.name.removeprefix("builtin:")
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")]
    return bool(sizes) and sum(sizes) <= _SMALL_BYTES
