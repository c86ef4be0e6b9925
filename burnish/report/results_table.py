"""The results table, and what the paired tests say in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from burnish.report.run_files import Row, as_number
from burnish.report.wording import chance, compact, in_sentence, label, p_value, percent, signed

_MAIN_KINDS = ("greedy", "right_by_", "vote@", "rerank@")
_SHARES = (
    *_MAIN_KINDS,
    *("pass@", "accuracy", "truncated", "hallucination", "abstention"),
    *("fixed", "broken", "answer_change"),
)
_TITLES = {
    **{"greedy": "Greedy", "accuracy": "Single samples", "truncated": "Truncated"},
    **{"gold": "True reward", "proxy": "Paid reward", "no_eos": "Without EOS"},
    **{"kl": "KL", "kl_token": "KL a token"},
}
_SIGNIFICANT = 0.05
_OF_ATTEMPTS = re.compile(r"\b(accuracy_t\d+|t\d+-t\d+ \w+)$")
"""Names that another table has: those of self-correction."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number with its interval.

    Attributes:
        text: the number as written.
        interval: its interval as written; empty where there is none.
        bar: low, value and high as positions in percent of a bar; None for plain numbers.
    """

    text: str
    interval: str
    bar: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class ResultsRow:
    """One stage's numbers, a cell (or None) per column."""

    stage: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class ResultsTable:
    """Column titles, and a row per stage."""

    columns: tuple[str, ...]
    rows: tuple[ResultsRow, ...]


@dataclass(frozen=True, slots=True)
class ResultsTables:
    """What counts, the rest (pass@k, lengths, ...), and what was left out of the numbers."""

    main: ResultsTable
    rest: ResultsTable
    notes: tuple[str, ...]


def results_tables(results: Row) -> ResultsTables:
    """The stages of `results.json` (their entries have `greedy` or `answers`) and their numbers.

    Numbers of single attempts and of transitions between them are left to the correction table.
    """
    stages = stage_results(results)
    flat = {
        stage: {k: v for k, v in _intervals(found) if not _OF_ATTEMPTS.search(k)}
        for stage, found in stages.items()
    }
    names = sorted(dict.fromkeys(k for found in flat.values() for k in found), key=_column_order)
    main = [name for name in names if _kind(name).startswith(_MAIN_KINDS)]
    notes = [note for stage, found in stages.items() if (note := _failure_note(stage, found))]
    return ResultsTables(
        _table(flat, main), _table(flat, [n for n in names if n not in main]), tuple(notes)
    )


def _table(flat: Mapping[str, Mapping[str, Row]], names: Sequence[str]) -> ResultsTable:
    rows = [
        ResultsRow(stage, tuple(_cell(n, found[n]) if n in found else None for n in names))
        for stage, found in flat.items()
    ]
    return ResultsTable(tuple(_column_title(n) for n in names), tuple(rows) if names else ())


def stage_results(results: Row) -> dict[str, Row]:
    """The entries of `results.json` that are stages, in its order."""
    return {
        name: found
        for name, found in results.items()
        if isinstance(found, Mapping) and not found.keys().isdisjoint({"greedy", "answers"})
    }


def headline(results: Row) -> str:
    """One sentence: how good the last stage is, and how far from the one it is compared with."""
    stages = stage_results(results)
    if not stages:
        return ""
    last = list(stages)[-1]
    greedy = stages[last].get("greedy")
    value = as_number(greedy.get("value")) if isinstance(greedy, Mapping) else as_number(greedy)
    if value is None:
        return ""
    size = _test_size(results, greedy)
    whole = f"{label(last)} answers {percent(value)} of {size} right"
    rivals = {
        pair.partition(" - ")[2]: difference
        for pair, found in _paired(results).items()
        if pair.partition(" - ")[0] == last
        and (difference := as_number(found.get("difference"))) is not None
    }
    rival = next((stage for stage in reversed(list(stages)) if stage in rivals), None)
    if rival is None:
        return f"{whole}."
    if rivals[rival] == 0:
        return f"{whole}, as many as {in_sentence(rival)}."
    return f"{whole}, {_points(rivals[rival])} than {in_sentence(rival)}."


def paired_sentences(results: Row) -> list[str]:
    """What each paired comparison says, for a reader who has not met p values."""
    sentences = [_paired_sentence(pair, found) for pair, found in _paired(results).items()]
    found = [sentence for sentence in sentences if sentence]
    p = as_number(results.get("paired_p"))
    if found or p is None:
        return found
    names = [label(stage) for stage in stage_results(results)][-2:]
    return [f"Paired test of {' against '.join(names[::-1])}: {p_value(p)}."]


def _paired_sentence(pair: str, found: Row) -> str:
    one, _, other = pair.partition(" - ")
    first, second = label(one), in_sentence(other)
    numbers = [as_number(found.get(key)) for key in ("difference", "low", "high", "p")]
    difference, low, high, p = numbers
    if difference is None or p is None:
        return ""
    return f"{_finding(first, second, difference, low, high)} {_verdict(p)}"


def _finding(
    first: str, second: str, difference: float, low: float | None, high: float | None
) -> str:
    interval = ""
    if low is not None and high is not None:
        interval = f" (95 % interval {signed(100 * low)} to {signed(100 * high)})"
    if difference == 0:
        return f"On the same problems, {first} and {second} are equally accurate{interval}."
    side = "lower" if difference < 0 else "higher"
    size = f"{abs(100 * difference):.1f} points {side}"
    return f"On the same problems, {first}'s accuracy is {size} than {second}'s{interval}."


def _verdict(p: float) -> str:
    start = (
        f"If the two were equally good, a difference at least this large would appear {chance(p)} "
        f"({p_value(p)}): "
    )
    if p < _SIGNIFICANT:
        return f"{start}luck with the test problems is an unlikely explanation."
    return f"{start}this test cannot tell the two apart."


def _points(difference: float) -> str:
    size = f"{abs(100 * difference):.1f}"
    return f"{size} points {'fewer' if difference < 0 else 'more'}"


def _paired(results: Row) -> dict[str, Row]:
    paired = results.get("paired")
    if not isinstance(paired, Mapping):
        return {}
    return {str(k): v for k, v in paired.items() if isinstance(v, Mapping) and " - " in str(k)}


def _test_size(results: Row, greedy: object) -> str:
    size = as_number(results.get("test_size"))
    if size is None and isinstance(greedy, Mapping):
        size = as_number(greedy.get("n"))
    return f"{size:,.0f} test problems" if size else "the test problems"


def _intervals(found: Row, prefix: str = "") -> list[tuple[str, Row]]:
    """Every {"value": ...} or bare number inside a stage's entry, with its name."""
    flat: list[tuple[str, Row]] = []
    for key, entry in found.items():
        name = f"{prefix}{key}"
        if isinstance(entry, Mapping) and as_number(entry.get("value")) is not None:
            flat.append((name, entry))
        elif isinstance(entry, Mapping) and not prefix and key != "grader_failures":
            flat += _intervals(entry, prefix=f"{key} ")
        elif not prefix and (number := as_number(entry)) is not None:
            flat.append((name, {"value": number}))
    return flat


def _kind(name: str) -> str:
    """The measure in a name such as "last greedy"."""
    return name.split()[-1]


def _column_order(name: str) -> tuple[int, int, float, str]:
    """By kind, plain before "last ..." and "selected ...", votes by their k as numbers."""
    kind = next((i for i, k in enumerate(_SHARES) if _kind(name).startswith(k)), len(_SHARES))
    digits = name.partition("@")[2]
    return len(name.split()), kind, float(digits) if digits.isdigit() else 0.0, name


def _column_title(name: str) -> str:
    prefix, _, kind = name.rpartition(" ")
    title = _TITLES.get(kind) or label(kind)
    if prefix == "answers":
        return f"{title}, sampled answers"
    return f"{title}, {prefix} model" if prefix else title


def _cell(column: str, entry: Row) -> Cell:
    value, low, high = (as_number(entry.get(key)) for key in ("value", "low", "high"))
    assert value is not None, "only entries with a value become cells"
    is_share = 0 <= value <= 1 and _kind(column).startswith(_SHARES)
    write = percent if is_share else compact
    if low is None or high is None:
        bar = (100 * value, 100 * value, 100 * value) if is_share else None
        return Cell(write(value), "", bar)
    if is_share:
        bar = (100 * low, 100 * value, 100 * high)
        return Cell(write(value), f"{bar[0]:.1f} to {bar[2]:.1f}", bar)
    return Cell(write(value), f"{write(low)} to {write(high)}", None)


def share_cell(entry: Row) -> Cell | None:
    """A share of one with its interval and bar; None where the entry has no value."""
    return None if as_number(entry.get("value")) is None else _cell("accuracy", entry)


def _failure_note(stage: str, found: Row) -> str:
    failures = found.get("grader_failures")
    if not isinstance(failures, Mapping):
        return ""
    counts = {kind: n for kind, n in failures.items() if as_number(n)}
    if not counts:
        return ""
    kinds: Sequence[str] = [f"{kind}: {n}" for kind, n in counts.items()]
    return f"{label(stage)}: samples that could not be graded are left out ({', '.join(kinds)})."
