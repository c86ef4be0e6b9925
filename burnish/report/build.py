"""Makes a run's one-page report: static, offline, nothing but the run folder is read."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import jinja2

from burnish import __version__
from burnish.errors import CheckpointError
from burnish.files.own_folder import open_no_link
from burnish.files.redaction import without_known_secrets
from burnish.report.attempt_chains import KINDS, attempt_splits, has_turns
from burnish.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP
from burnish.report.correction import attempts_headline, correction
from burnish.report.curves import main_curves, other_curves
from burnish.report.flows import FLOW_HEIGHT
from burnish.report.inference_scaling import scaling_figures
from burnish.report.results_table import headline, paired_sentences, results_tables
from burnish.report.run_files import Row, RunFiles, read_run
from burnish.report.sample_pairs import sample_pairs
from burnish.report.scorecard import scorecard
from burnish.report.search_table import SearchTable, search_table
from burnish.report.token_shading import token_shading
from burnish.report.training_alarms import training_alarms
from burnish.report.transcripts import transcript_splits
from burnish.report.trees import OUTCOMES, tree_groups
from burnish.report.verifier_table import verifier_table
from burnish.report.wording import duration, label

_STYLES = ("report.css", "correction.css", "revisions.css", "trees.css")
_SCRIPTS = ("report.js", "attempts.js", "trees.js")
_HUES = {
    "warm_up": "slate",
    "sft": "amber",
    "reft": "blue",
    "base": "slate",
    "stage_one": "amber",
    "stage_two": "blue",
    "single_turn": "blue",
}
_SPARE_HUES = ("teal", "violet", "rose", "green")


def write_report(run: Path) -> Path:
    """Writes `report.html` into a run folder, finished or not, and returns its path.

    Raises CheckpointError where `run` is not a run folder or cannot be written to.
    """
    page = render_report(read_run(run))
    target = run / "report.html"
    partial = run / ".report.html.partial"
    try:
        with open(partial, "w", encoding="utf-8", opener=open_no_link) as file:
            file.write(without_known_secrets(page))
        partial.replace(target)
    except OSError as error:
        raise CheckpointError(
            f"The report could not be written to {target}: {error.strerror}. Free space on that "
            f"disk or make the folder writable, then repeat `burnish report`."
        ) from error
    return target


def render_report(run: RunFiles) -> str:
    """The page as text."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("burnish.report", "page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["label"] = label
    page = resources.files("burnish.report") / "page"
    searches = search_table(run.results)
    return environment.get_template("report.html").render(
        style="".join((page / name).read_text("utf-8") for name in _STYLES),
        script="".join((page / name).read_text("utf-8") for name in _SCRIPTS),
        run=run,
        title=_title(run),
        facts=_facts(run),
        headline=_headline(run, searches),
        searches=searches,
        verifiers=verifier_table(run.results),
        tables=results_tables(run.results),
        sentences=paired_sentences(run.results),
        alarms=training_alarms(run.metrics),
        curves=main_curves(run.metrics),
        more_curves=other_curves(run.metrics),
        correction=correction(run.results),
        flow_height=FLOW_HEIGHT,
        scaling=scaling_figures([run.results, *run.evaluations]),
        splits=attempt_splits(run.samples),
        kinds=KINDS,
        instruction=_instruction(run.config),
        pairs=sample_pairs([row for row in run.samples if not has_turns(row)]),
        shading=token_shading(run.tokens),
        card=scorecard(run.results),
        transcripts=transcript_splits(run.transcripts),
        trees=tree_groups(run.trees),
        tree_outcomes=OUTCOMES,
        starting_point=_starting_point(run),
        hues=_hues(run.stages) | (searches.hues if searches else {}),
        frame={"h": HEIGHT, "l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        version=__version__,
    )


def _title(run: RunFiles) -> str:
    method, task = _name(run.config, "method", "type"), _name(run.config, "task", "type")
    if task and not method and run.trees:
        return f"Search on {label(task)}"
    if method and task:
        return f"{label(method)} on {label(task)}"
    return label(method) if method else run.name


def _facts(run: RunFiles) -> list[tuple[str, str]]:
    """What the header says about the run; only what is known."""
    version = run.results.get("version") or run.config.get("version") or __version__
    facts = {
        "Method": label(_name(run.config, "method", "type")),
        "Model": _name(run.config, "model", "name"),
        "Task": label(_name(run.config, "task", "type")),
        "Started": f"{run.started:%d %B %Y, %H:%M} UTC" if run.started else "",
        "Duration": duration(run.seconds) if run.seconds is not None else "",
        "Seed": str(run.config.get("seed", "")),
        "Version": f"burnish {version}",
    }
    return [(name, value) for name, value in facts.items() if value]


def _name(config: Row, key: str, field: str) -> str:
    """`key.field` of the configuration, or `key` itself where it is plain text; else nothing."""
    entry = config.get(key)
    found = entry.get(field, "") if isinstance(entry, dict) else entry
    return "" if found is None else str(found)


def _headline(run: RunFiles, searches: SearchTable | None) -> str:
    found = attempts_headline(run.results) or headline(run.results)
    return found or (searches.headline if searches else "") or _progress(run)


def _progress(run: RunFiles) -> str:
    if not run.metrics and run.trees:
        num_trees = sum(len(file.trees) for file in run.trees)
        return f"{num_trees:,} search tree{'s' if num_trees != 1 else ''} so far."
    if not run.metrics:
        return "No step has been logged yet."
    last = run.metrics[-1]
    return (
        f"Not finished: {label(str(last.get('stage', '')))} has reached step "
        f"{last.get('step', '?')}. Test results appear here at the end."
    )


def _starting_point(run: RunFiles) -> str:
    """Where parallel stages start, which curves side by side do not show."""
    is_reft = _name(run.config, "method", "type") == "reft"
    if is_reft and {"warm_up", "sft", "reft"} <= set(run.stages):
        return "SFT and ReFT both start from the warm-up model."
    return ""


def _instruction(config: Row) -> str:
    """What a method puts between two attempts; empty where it has no such thing."""
    method = config.get("method")
    correction = method.get("correction") if isinstance(method, dict) else None
    return _name({"correction": correction}, "correction", "instruction")


def _hues(stages: list[str]) -> dict[str, str]:
    """A colour name per stage: fixed for the usual ones, the next free one for others."""
    others = [stage for stage in stages if stage not in _HUES]
    taken = {_HUES[stage] for stage in stages if stage in _HUES}
    free = [*_SPARE_HUES, *(hue for hue in ("blue", "amber") if hue not in taken)]
    spare = {stage: free[i % len(free)] for i, stage in enumerate(others)}
    return {stage: _HUES.get(stage) or spare[stage] for stage in stages}
