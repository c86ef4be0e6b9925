from __future__ import annotations

from typing import Any, cast

import pytest
from pydantic import TypeAdapter, ValidationError

from burnish.methods.grpo.method import AnyGroupMethod, GroupReftConfig, GrpoConfig
from burnish.training.workbench import Workbench

PARTS = {
    "grpo": ("group_normalised", "clip", "sequence_mean", "in_loss"),
    "dr_grpo": ("group_centred", "clip", "constant_mean", None),
    "dapo": ("group_normalised", "clip", "token_mean", None),
    "rloo": ("leave_one_out", "reinforce", "sequence_sum", "in_reward"),
    "reinforce_plus_plus": ("whitened_to_go", "clip", "sequence_mean", "in_reward"),
    "reinforce_plus_plus_baseline": ("whitened_centred", "clip", "sequence_mean", "in_loss"),
    "remax": ("greedy_baseline", "reinforce", "sequence_sum", "in_reward"),
    "gspo": ("group_normalised", "sequence_clip", "sequence_mean", None),
    "cispo": ("group_normalised", "capped", "token_mean", None),
    "group_reft": ("whitened_over_others", "clip", "sequence_mean", "in_reward"),
}


def config_of(name: str, **settings: Any) -> AnyGroupMethod:
    return TypeAdapter(AnyGroupMethod).validate_python({"type": name} | settings)


@pytest.mark.parametrize("name", PARTS)
def test_a_named_method_is_a_choice_of_parts(name):
    config = config_of(name)
    parts = (config.advantage, config.loss, config.aggregation, config.kl)
    assert tuple(part.type if part else None for part in parts) == PARTS[name]
    assert config.type == name


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("grpo", "kl.coef", 0.04),
        ("dapo", "loss.clip_low", 0.2),
        ("dapo", "loss.clip_high", 0.28),
        ("dapo", "overlong.buffer_share", 0.2),
        ("dapo", "dynamic_sampling.max_rounds", 10),
        ("rloo", "samples_per_problem", 4),
        ("rloo", "kl.coef", 0.03),
        ("gspo", "loss.clip_low", 3e-4),
        ("gspo", "loss.clip_high", 4e-4),
        ("gspo", "num_minibatches", 4),
        ("group_reft", "num_epochs", 2),
        ("group_reft", "kl.coef", 0.05),
    ],
)
def test_constants_are_the_papers(name, setting, value):
    found: Any = config_of(name).model_dump()
    for key in setting.split("."):
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    ("name", "settings", "advice"),
    [
        ("grpo", {"samples_per_problem": 1}, "set samples_per_problem to 2 or more"),
        ("rloo", {"num_epochs": 2}, "set num_epochs and num_minibatches to 1"),
        ("remax", {"num_minibatches": 2}, "set num_epochs and num_minibatches to 1"),
        (
            "reinforce_plus_plus",
            {"dynamic_sampling": {}},
            "dynamic_sampling wants right and wrong answers",
        ),
    ],
    ids=["one answer", "two passes", "two batches", "nothing mixed"],
)
def test_parts_that_do_not_fit_are_refused_with_advice(name, settings, advice):
    with pytest.raises(ValidationError, match=advice):
        config_of(name, **settings)


@pytest.mark.parametrize(
    ("settings", "num_steps"),
    [({"epochs": 3, "batch_size": 4}, 8), ({"epochs": 0.01}, 1), ({"num_steps": 5}, 5)],
    ids=["passes", "at least one", "steps"],
)
def test_steps_are_passes_over_the_questions_unless_they_are_named(settings, num_steps):
    assert GrpoConfig.model_validate(settings).num_steps_over(10) == num_steps


def test_warm_up_comes_first_and_hands_on_its_last_model():
    bench = cast("Workbench", None)  # stages are listed without it
    assert [stage.name for stage in GrpoConfig().stages(bench)] == ["reinforce"]
    first, second = GroupReftConfig().stages(bench)
    assert (first.name, first.hands_on) == ("warm_up", "last")
    assert (second.name, second.hands_on) == ("reinforce", "selected")
