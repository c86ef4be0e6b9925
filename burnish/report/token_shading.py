"""Per-token advantage and KL of a few samples, as colour strengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from burnish.report.run_files import Row, as_number
from burnish.report.wording import compact, label

_MOST_OF_LAST_STEP = 4
_MOST_OF_FIRST_STEP = 2
_SATURATED_SHARE = 0.98
_NUMBERS = ("logp", "ref_logp", "value", "advantage", "token_reward")


@dataclass(frozen=True, slots=True)
class ShadedToken:
    """One token with its colours.

    Attributes:
        text: as shown; line ends are marked.
        advantage, kl: from -1 to 1, the share of full colour; 0 where unknown.
        tip: name and number of everything known about the token, for the tooltip.
    """

    text: str
    advantage: float
    kl: float
    tip: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShadedSample:
    """One sample: where it comes from, its reward, its summed KL in nats, its tokens."""

    title: str
    problem_id: str
    reward: str
    kl: str
    tokens: tuple[ShadedToken, ...]


@dataclass(frozen=True, slots=True)
class TokenShading:
    """The samples, and the advantage and KL (nats) that full colour stands for."""

    samples: tuple[ShadedSample, ...]
    full_advantage: str
    full_kl: str


def token_shading(rows: Sequence[Row]) -> TokenShading | None:
    """Colours a few samples of the first and the last logged step; None where there are none.

    Shown are the lowest and the highest rewards of each of the two steps. Full colour stands for
    the 98th percentile of the sizes shown, the same for all samples, so that they can be compared.
    """
    chosen = _chosen([row for row in rows if row.get("tokens")])
    if not chosen:
        return None
    advantages = [a for row in chosen for a in _column(row, "advantage")]
    full_advantage = _full(advantages)
    full_kl = _full([k for row in chosen for k in _kl(row)])
    samples = tuple(_shaded(row, full_advantage, full_kl) for row in chosen)
    return TokenShading(samples, compact(full_advantage), compact(full_kl))


def _chosen(rows: Sequence[Row]) -> list[Row]:
    moments = list(dict.fromkeys((row.get("stage"), row.get("step")) for row in rows))
    if not moments:
        return []

    def of(moment: tuple[Any, Any], most: int) -> list[Row]:
        found = [row for row in rows if (row.get("stage"), row.get("step")) == moment]
        found.sort(key=lambda row: as_number(row.get("reward")) or 0.0)
        ends = [found[i // 2] if i % 2 else found[-1 - i // 2] for i in range(len(found))]
        return ends[:most]

    early = of(moments[0], _MOST_OF_FIRST_STEP) if len(moments) > 1 else []
    return of(moments[-1], _MOST_OF_LAST_STEP) + early


def _shaded(row: Row, full_advantage: float, full_kl: float) -> ShadedSample:
    kl = _kl(row)
    columns = {name: _column(row, name) for name in _NUMBERS} | {"kl": kl}
    tokens = tuple(
        ShadedToken(
            text=_visible(str(text)),
            advantage=_strength(_at(columns["advantage"], i), full_advantage),
            kl=_strength(_at(kl, i), full_kl),
            tip=_tip(str(text), {name: _at(column, i) for name, column in columns.items()}),
        )
        for i, text in enumerate(row["tokens"])
    )
    reward = as_number(row.get("reward"))
    return ShadedSample(
        title=f"{label(str(row.get('stage', '')))}, step {row.get('step', '?')}",
        problem_id=str(row.get("problem_id", "")),
        reward="" if reward is None else compact(reward),
        kl=compact(sum(k for k in kl if k is not None)),
        tokens=tokens,
    )


def _column(row: Row, name: str) -> list[float | None]:
    found = row.get(name)
    return [as_number(value) for value in found] if isinstance(found, list) else []


def _kl(row: Row) -> list[float | None]:
    """k1 per token, logp - ref_logp: positive where the policy likes the token more."""
    pairs = zip(_column(row, "logp"), _column(row, "ref_logp"), strict=False)
    return [None if a is None or b is None else a - b for a, b in pairs]


def _at(column: Sequence[float | None], index: int) -> float | None:
    return column[index] if index < len(column) else None


def _full(values: Sequence[float | None]) -> float:
    sizes = sorted(abs(value) for value in values if value is not None)
    if not sizes:
        return 1.0
    return sizes[min(len(sizes) - 1, int(_SATURATED_SHARE * len(sizes)))] or 1.0


def _strength(value: float | None, full: float) -> float:
    return 0.0 if value is None else round(max(-1.0, min(1.0, value / full)), 3)


def _visible(text: str) -> str:
    """Line ends get a mark, and an empty token a sign, so that each can be seen and touched."""
    return text.replace("\n", "↵\n") or "∅"


def _tip(text: str, numbers: dict[str, float | None]) -> tuple[tuple[str, str], ...]:
    names = {
        "logp": "log-prob, policy",
        "ref_logp": "log-prob, reference",
        "kl": "KL (k1)",
        "value": "value",
        "advantage": "advantage",
        "token_reward": "reward",
    }
    known = ((names[key], numbers.get(key)) for key in names)
    return (
        ("token", repr(text)),
        *((name, f"{value:+.3f}") for name, value in known if value is not None),
    )
