"""The checks of sampling and of updates, on a model that is put back afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from statistics import fmean

from burnish.config import Config
from burnish.methods.dpo.method import DpoConfig
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.methods.reranker.method import RerankerConfig
from burnish.methods.reward_model.method import RewardModelConfig
from burnish.methods.self_refine.method import SelfRefineConfig
from burnish.run.doctor.check import Check, skipped
from burnish.run.doctor.heads import policy_reader, readers
from burnish.run.doctor.invariance import CUT, WHOLE, check_cut, check_padding
from burnish.run.doctor.movement import DIRECTION, MOVED, check_direction, check_movement
from burnish.run.doctor.patient import Patient
from burnish.run.doctor.reference import REFERENCE, check_pairs_reference, check_reference
from burnish.run.doctor.sampling import check_ends, check_likelihoods, check_tokens_are_kept
from burnish.run.doctor.updates import (
    PROBING,
    clip_of,
    from_the_start,
    has_reference,
    imitation,
    learning_from,
    margin,
    policy_update,
    preference,
    preference_rows,
    update_kind,
)
from burnish.training.learner import OptimizerConfig
from burnish.training.preference_reference import pair_logps
from burnish.types import Example

_IMITATION = "imitation"
_PAIRS = "preference"
_NO_POLICY_TRAINED = SelfRefineConfig | RerankerConfig | RewardModelConfig | ProcessRewardConfig


def sampling_checks(patient: Patient) -> list[Check]:
    """What is sampled is what is learnt from."""
    return [
        check_likelihoods(patient.completions, patient.policy, patient.params),
        check_tokens_are_kept(patient.completions),
        check_ends(patient.completions, stops=patient.stop_ids, params=patient.params),
    ]


def padding_checks(patient: Patient) -> list[Check]:
    """Every model of the method, on the same rows."""
    dtype = patient.policy.compute_dtype
    return [
        check_padding(name, read, patient.rows, dtype=dtype)
        for name, read in readers(patient).items()
    ]


def imitation_checks(patient: Patient) -> list[Check]:
    """The cut of a batch, the direction, and what moves, by supervised updates."""
    names = (CUT.format(loss=_IMITATION), DIRECTION.format(loss=_IMITATION), MOVED)
    if isinstance(patient.recipe.method, _NO_POLICY_TRAINED):
        return [skipped(name, "this method trains no policy") for name in names]
    network, rows = patient.policy.network, patient.rows
    moving = imitation(patient, rows, _moving(patient.recipe.method))
    step = imitation(patient, rows, PROBING)
    return [
        check_cut(
            _IMITATION,
            from_the_start(patient.policy, lambda: imitation(patient, rows, PROBING)),
            dtype=patient.policy.compute_dtype,
        ),
        check_direction(_IMITATION, network, lambda: step(WHOLE), _likelihood(patient, rows)),
        check_movement(network, lambda: moving(WHOLE)),
    ]


def policy_update_checks(patient: Patient) -> list[Check]:
    """The same for the method's own update by advantages."""
    kind = update_kind(patient.recipe.method)
    if kind is None or not patient.trajectories:
        names = (CUT.format(loss="policy gradient"), DIRECTION.format(loss="policy gradient"))
        return [skipped(name, "this method has no update by advantages") for name in names]
    policy, network = patient.policy, patient.policy.network
    rows = [Example(t.problem_id, t.token_ids, t.is_action) for t in patient.trajectories]
    step = learning_from(patient, policy_update(patient, PROBING, value_share=0.0), low=1.0)
    cut = from_the_start(
        policy,
        lambda: learning_from(patient, policy_update(patient, PROBING, value_share=1.0), low=-0.5),
    )
    return [
        check_cut(kind, cut, dtype=policy.compute_dtype),
        check_direction(kind, network, lambda: step(WHOLE), _likelihood(patient, rows)),
    ]


def preference_checks(patient: Patient) -> list[Check]:
    """The same for pairs; before the first update no answer is preferred."""
    method, policy = patient.recipe.method, patient.policy
    if not isinstance(method, DpoConfig):
        return [skipped(CUT.format(loss=_PAIRS), "this method learns from no given pairs")]
    rows = preference_rows(patient)
    step = preference(patient, rows, method, PROBING)
    cut = from_the_start(policy, lambda: preference(patient, rows, method, PROBING))
    return [
        check_pairs_reference(pair_logps(policy, rows), policy),
        check_cut(_PAIRS, cut, dtype=policy.compute_dtype),
        check_direction(
            _PAIRS, policy.network, lambda: step(WHOLE), lambda: margin(policy, rows, method)
        ),
    ]


def reference_checks(patient: Patient) -> list[Check]:
    """KL 0, ratio 1, nothing clipped."""
    method = patient.recipe.method
    if isinstance(method, DpoConfig):
        return []  # the checks of pairs have looked
    if not has_reference(method):
        return [skipped(REFERENCE, "this method keeps no reference policy")]
    if not patient.trajectories:
        return [skipped(REFERENCE, "nothing was sampled")]
    reference = patient.bench.frozen_twin(patient.policy)
    experiences = patient.experiences(max_tokens=WHOLE, reference=reference)
    clip = clip_of(method)
    return [check_reference(experiences, patient.policy, clip_low=clip.low, clip_high=clip.high)]


def first_optimizer(config: Config) -> OptimizerConfig | None:
    """The first optimizer in the settings of a method, which its first stage uses."""
    for name in type(config).model_fields:
        value = config.__dict__[name]
        if isinstance(value, OptimizerConfig):
            return value
        found = first_optimizer(value) if isinstance(value, Config) else None
        if found is not None:
            return found
    return None


def _moving(config: Config) -> OptimizerConfig:
    """Its rate and decay, without a schedule that begins near 0."""
    found = first_optimizer(config) or PROBING
    return found.model_copy(update={"schedule": "constant"})


def _likelihood(patient: Patient, rows: Sequence[Example]) -> Callable[[], float]:
    """Mean log-probability of a token that is learnt, now."""
    read = policy_reader(patient.policy)
    return lambda: fmean(chain.from_iterable(read(rows)))
