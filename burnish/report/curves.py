"""Which metrics become curves, in what order, and what each of them tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from burnish.report.charts import WIDE, Chart, Point, Series, draw_chart
from burnish.report.run_files import Row, as_number
from burnish.report.wording import label


@dataclass(frozen=True, slots=True)
class Meaning:
    """A known metric: its title, one sentence on how to read it, whether it is a share of one."""

    title: str
    caption: str = ""
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A chart with its words; the main one also drawn for a place of double width."""

    key: str
    title: str
    caption: str
    chart: Chart
    wide_chart: Chart | None = None


MAIN: Mapping[str, Meaning] = {
    "dev/accuracy": Meaning("Dev accuracy", "Greedy answers on held-out problems.", True),
    "rollout/reward": Meaning("Reward", "Mean reward of the sampled answers."),
    "rollout/gold": Meaning("True reward", "Of the sampled answers; nobody is paid it."),
    "dev/sampled_gold": Meaning("True reward on dev", "Falls where what pays is fooled."),
    "dev/sampled_proxy": Meaning("Paid reward on dev", "Believe it while the true one rises."),
    "dev/sampled_kl": Meaning("KL on dev", "Nats per answer away from the reference."),
    "dev/win_rate": Meaning(
        "Duels won on dev", "By the judge, against the answers it began with.", True
    ),
    "label/same_position": Meaning(
        "Position bias", "Share of pairs in which the order decides, not the answers.", True
    ),
    "label/labelled": Meaning("Labelled pairs", "The judge says nothing of the others.", True),
    "judge/tokens": Meaning("Judge tokens", "Read and written by the judge in a step."),
    "rollout/accuracy": Meaning("Training accuracy", "Share of sampled answers right.", True),
    "rollout/spelled_out": Meaning("Spelled-out answers", "Share that writes every step.", True),
    "ppo/kl": Meaning("KL to the reference", "Nats per answer away from the warm-up model."),
    "rollout/entropy": Meaning("Entropy", "Nats per token; near 0 there is nothing to explore."),
    "rollout/length": Meaning("Answer length", "Mean tokens per answer."),
    "rollout/truncated": Meaning("Truncated answers", "Share cut by the token limit.", True),
    "rollout/accuracy_t1": Meaning("First attempts", "Share of sampled first answers right.", True),
    "rollout/accuracy_t2": Meaning("Second attempts", "Share of sampled second ones right.", True),
    "correction/fixed_t1-t2": Meaning("Put right", "Share wrong at first, then right.", True),
    "correction/broken_t1-t2": Meaning("Spoilt", "Share right at first, then wrong.", True),
    "correction/answer_change_t1-t2": Meaning(
        "Changed answers", "Near 0 the second attempt only repeats the first.", True
    ),
    "score/bonus": Meaning("Bonus", "Mean pay for gaining on the attempt before."),
    "score/kl_t1": Meaning("KL of first attempts", "Nats per attempt away from the base model."),
    "score/kl_t2": Meaning("KL of second attempts", "Nats per attempt away from the base model."),
    "process/return": Meaning("Paid for steps", "Mean sum of an answer's process rewards."),
    "process/steps": Meaning("Steps", "Of an answer. More of them, no more right: padding."),
    "process/end_correlation": Meaning("Value and verdict", "Falls where the value is fooled."),
    "process/overestimate": Meaning("Overestimate", "Value of answers less the share right."),
    "group/zero_advantage": Meaning(
        "Groups without advantage", "Share of the questions learnt from that teach nothing.", True
    ),
    "ppo/clip_fraction": Meaning("Clip fraction", "Share of tokens past PPO's clip.", True),
    "ppo/value_loss": Meaning("Value loss", "Error of the critic on returns."),
    "ppo/explained_variance": Meaning("Explained variance", "1: the critic foresees returns."),
    "train/loss": Meaning("Training loss", "What the optimizer lowers."),
}

REST: Mapping[str, Meaning] = {
    "ppo/policy_loss": Meaning("Policy loss", "The clipped surrogate."),
    "group/kept": Meaning(
        "Groups kept", "Share of the asked questions that are learnt from.", True
    ),
    "problems/resting": Meaning("Resting problems", "Share left out, having taught nothing.", True),
    "grader/time_s": Meaning("Grading time", "Seconds of a step that went into grading."),
    "ppo/logp_gap": Meaning("Sampler gap", "Log-probability, trainer against sampler."),
    "score/logp_gap": Meaning("Sampler gap", "Log-probability, trainer against sampler."),
    "alarm/no_edit": Meaning("Alarm: no edit", "1 where second attempts repeat the first."),
    "alarm/sabotage": Meaning("Alarm: sabotage", "1 where a bonus is earned by failing first."),
    "train/grad_norm": Meaning("Gradient norm", "Before clipping."),
    "train/learning_rate": Meaning("Learning rate"),
}

_MAIN_KEY = "dev/accuracy"
_NOT_METRICS = ("stage", "step", "time_s")


def main_curves(metrics: Sequence[Row]) -> list[Curve]:
    """Charts of the metrics that tell how a run went, for those that were logged."""
    return _curves(metrics, MAIN)


def other_curves(metrics: Sequence[Row]) -> list[Curve]:
    """Charts of all other logged numbers, known ones first."""
    logged = dict.fromkeys(key for row in metrics for key in row)
    unknown = {
        key: Meaning(label(key.replace("/", ": ")))
        for key in logged
        if key not in MAIN and key not in REST and key not in _NOT_METRICS
    }
    return _curves(metrics, {**REST, **unknown})


def _curves(metrics: Sequence[Row], meanings: Mapping[str, Meaning]) -> list[Curve]:
    return [
        _curve(key, meaning, series)
        for key, meaning in meanings.items()
        if (series := _series(metrics, key))
    ]


def _curve(key: str, meaning: Meaning, series: Sequence[Series]) -> Curve:
    narrow = draw_chart(series, is_share=meaning.is_share)
    is_main = key == _MAIN_KEY and len(series) > 1
    wide = draw_chart(series, is_share=meaning.is_share, width=WIDE) if is_main else None
    return Curve(key, meaning.title, meaning.caption, narrow, wide)


def _series(metrics: Sequence[Row], key: str) -> list[Series]:
    """The metric's finite values by stage. A step logged again after a resume counts once."""
    steps: dict[str, list[float]] = {}
    values: dict[str, dict[float, float]] = {}
    for row in metrics:
        stage, step = str(row.get("stage", "")), as_number(row.get("step"))
        if step is None:
            continue
        steps.setdefault(stage, []).append(step)
        value = as_number(row.get(key))
        if value is not None:
            values.setdefault(stage, {})[step] = value
    return [
        Series(stage, _sorted_points(found), min(steps[stage]), max(steps[stage]))
        for stage, found in values.items()
    ]


def _sorted_points(found: Mapping[float, float]) -> tuple[Point, ...]:
    return tuple(sorted(found.items()))
