from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from burnish.errors import CheckpointError
from burnish.report.build import write_report
from burnish.report.fake_correction import (
    correction_results,
    sample_row,
    scaling_evaluation,
    write_correction_run,
)
from burnish.report.fake_run import write_fake_run, write_lines

_VOID = {"meta", "link", "input", "br", "hr", "img"}


class Balance(HTMLParser):
    """Checks that every element is closed in order and that the script's data can be parsed."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.data = [], [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        self.data += [json.loads(value or "") for name, value in attrs if name.startswith("data-")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page_of(run):
    return write_report(run).read_text("utf-8")


def sections(page):
    return re.findall(r'<section id="(\w+)"', page)


def test_a_finished_run_has_every_section_in_well_formed_html(tmp_path):
    page = page_of(write_fake_run(tmp_path / "run"))
    assert sections(page) == ["results", "curves", "samples", "tokens", "config"]
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert len(set(balance.ids)) == len(balance.ids)
    assert "<h1>ReFT on Arithmetic</h1>" in page
    assert "2\u00a0min 50\u00a0s" in page


@pytest.mark.parametrize("turns", [2, 3])
def test_a_run_of_several_attempts_shows_their_flow_and_their_texts(tmp_path, turns):
    page = page_of(write_correction_run(tmp_path / "run", turns=turns))
    assert sections(page) == ["results", "correction", "attempts", "config"]
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert page.count('class="card problem asked-again"') == 10 + 3
    assert '<p class="headline">Stage II answers 50.0' in page
    assert "Look again &amp; answer &lt;once&gt; more." in page
    assert page.count('<path class="band fixed"') == 3
    assert "<b>Alarm.</b> Sabotage: first attempts are worse" in page
    assert page.count('name="transition-0"') == (2 if turns > 2 else 0)


def test_an_evaluation_left_in_the_run_is_drawn_after_the_corrections(tmp_path):
    run = write_correction_run(tmp_path / "run")
    found = scaling_evaluation("runs/run/stages/02-stage_two/selected")
    (run / "scaling.json").write_text(json.dumps(found), "utf-8")
    page = page_of(run)
    assert sections(page) == ["results", "correction", "scaling", "attempts", "config"]
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert "<h3>Stage II, selected model</h3>" in page
    assert page.count('class="spread hue-blue"') == 2
    assert page.count('class="single"') == 2
    assert "With 8 samples, the vote over 4 corrected attempts is 15.0 points higher" in page
    assert '<th scope="row"><span class="swatch"></span>8</th>' in page


def test_attempts_show_what_was_removed_and_added_and_what_was_cut(tmp_path):
    row = sample_row("base", "p", False, True)
    row["turns"][0]["stop_reason"] = "length"
    write_lines(tmp_path / "samples.jsonl", [row])
    page = page_of(tmp_path)
    assert "<pre>I try <del>1</del>.\nIt is <del>1</del></pre>" in page
    assert "<pre>I try <ins>2</ins>.\nIt is <ins>7</ins></pre>" in page
    assert page.count("cut by the token limit") == 1
    assert "<span>answer <b>1</b></span>" in page
    assert "wrong, then right" in page


def test_an_attempt_that_repeats_the_one_before_is_said_to(tmp_path):
    row = sample_row("base", "p", False, False)
    row["turns"][1]["text"] = row["turns"][0]["text"]
    write_lines(tmp_path / "samples.jsonl", [row])
    page = page_of(tmp_path)
    assert "Attempt 2 repeats attempt 1 to the letter." in page
    assert "<ins>2" not in page


@pytest.mark.parametrize(
    ("alarms", "said"), [([], True), (["no edit: nothing is corrected."], False)]
)
def test_that_nothing_has_collapsed_is_said_where_somebody_looked(tmp_path, alarms, said):
    results = correction_results() | {"alarms": alarms}
    (tmp_path / "results.json").write_text(json.dumps(results))
    page = page_of(tmp_path)
    assert ("Neither known collapse was found" in page) == said
    assert ("<b>Alarm.</b> No edit" in page) != said


def test_alarms_of_a_run_in_progress_stand_above_its_curves(tmp_path):
    write_lines(tmp_path / "metrics.jsonl", [{"stage": "a", "step": 2, "alarm/no_edit": 1.0}])
    assert "<b>Alarm while training.</b> A, 1 of 1 evaluations" in page_of(tmp_path)


def test_single_answers_beside_several_attempts_are_still_compared(tmp_path):
    rows = [sample_row("rl", "p", step == 2, step=step) for step in (1, 2)]
    write_lines(tmp_path / "samples.jsonl", [*rows, sample_row("rl", "q", True, True)])
    assert sections(page_of(tmp_path)) == ["attempts", "samples"]


def test_the_page_asks_the_network_for_nothing(tmp_path):
    page = page_of(write_fake_run(tmp_path / "run"))
    assert not re.search(r"https?:|@import|url\(|<script src|<link rel=.stylesheet", page)


def test_an_unfinished_run_says_how_far_it_is(tmp_path):
    page = page_of(write_fake_run(tmp_path / "run", finished=False))
    assert "Not finished: ReFT has reached step 15." in page
    assert sections(page) == ["curves", "samples", "tokens", "config"]


@pytest.mark.parametrize(
    "left", ["config.yaml", "metrics.jsonl", "samples.jsonl", "tokens.jsonl", "results.json"]
)
def test_any_one_file_is_enough(tmp_path, left):
    run = write_fake_run(tmp_path / "run")
    for path in run.iterdir():
        if path.name != left:
            path.unlink()
    assert "</html>" in page_of(run)


def test_what_a_model_wrote_in_several_attempts_cannot_become_markup(tmp_path):
    run = write_correction_run(tmp_path / "run")
    attack = "</pre></details><script>alert(1)</script>'\"<img src=x onerror=alert(1)>"
    row = sample_row(attack, attack, False, True, False)
    row |= {"prompt": attack, "gold": attack}
    texts = [attack, "7", attack]
    row["turns"] = [
        turn | {"text": t, "answer": attack} for turn, t in zip(row["turns"], texts, strict=True)
    ]
    write_lines(run / "samples.jsonl", [row, sample_row("</summary>", attack, True, True)])
    results = correction_results()
    hostile = {attack: results["base"], "alarms": [attack]}
    (run / "results.json").write_text(json.dumps(hostile))
    page = page_of(run)
    assert page.count("<script>") == 1
    assert "<img" not in page.lower()
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert [attack, "</summary>"] in balance.data


def test_what_a_model_wrote_cannot_become_markup(tmp_path):
    run = write_fake_run(tmp_path / "run")
    attack = "</pre><script>alert(1)</script>'\""
    rows = [
        {"stage": s, "step": 1, "problem_id": "p", "prompt": attack, "text": attack, "gold": "1"}
        for s in ("sft", "reft")
    ]
    write_lines(run / "samples.jsonl", rows)
    write_lines(run / "tokens.jsonl", [{"stage": attack, "step": 1, "tokens": [attack]}])
    page = page_of(run)
    assert page.count("<script>") == 1
    balance = Balance()
    balance.feed(page)
    assert balance.open == []


def test_stages_of_other_methods_get_colours_of_their_own(tmp_path):
    rows = [{"stage": s, "step": 1, "dev/accuracy": 0.5} for s in ("search_1", "train_value_1")]
    write_lines(tmp_path / "metrics.jsonl", rows)
    page = page_of(tmp_path)
    assert 'class="hue-teal"' in page
    assert 'class="hue-violet"' in page
    assert "Train value 1" in page


def test_a_method_of_many_rounds_has_a_colour_for_each_beside_the_base_model(tmp_path):
    rounds = [f"{name}_{n}" for n in (1, 2, 3) for name in ("sample", "train")]
    rows = [{"stage": s, "step": 1, "dev/accuracy": 0.5} for s in (*rounds, "base")]
    write_lines(tmp_path / "metrics.jsonl", rows)
    assert len(set(re.findall(r'class="(hue-\w+)"', page_of(tmp_path)))) == 7


def test_rows_that_lack_everything_do_not_stop_the_page(tmp_path):
    for name in ("metrics.jsonl", "samples.jsonl", "tokens.jsonl"):
        write_lines(tmp_path / name, [{}, {"step": 1, "train/loss": 1, "tokens": ["a"]}, {}])
    (tmp_path / "results.json").write_text('{"reft": {"greedy": null}, "paired": {"a - b": {}}}')
    assert "</html>" in page_of(tmp_path)


def test_writing_replaces_the_page_and_leaves_no_partial_file(tmp_path):
    run = write_fake_run(tmp_path / "run")
    first = page_of(run)
    (run / "results.json").unlink()
    assert page_of(run) != first
    assert not list(run.glob(".report*"))


def test_a_folder_that_is_no_run_raises(tmp_path):
    with pytest.raises(CheckpointError, match="not a run folder"):
        write_report(tmp_path)


def test_a_page_that_cannot_be_written_raises(tmp_path):
    run = write_fake_run(tmp_path / "run")
    (run / "report.html").mkdir()
    with pytest.raises(CheckpointError, match=r"report\.html"):
        write_report(run)


def test_the_report_needs_neither_torch_nor_scipy():
    code = "import sys, burnish.report.build; print({'torch', 'scipy', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
