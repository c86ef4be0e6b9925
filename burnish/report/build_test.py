from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from burnish.errors import CheckpointError
from burnish.report.build import write_report
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
