from __future__ import annotations

import json

import pytest

from burnish.errors import ConfigError
from burnish.graders.comment_judge import LexiconConfig, ModelJudgeConfig, Opinion
from burnish.graders.model_client.api import ApiConfig
from burnish.graders.model_client.scripted_server import Reply, ScriptedServer
from burnish.types import Comment, GraderFailure, Problem

ASKED = Problem("p", "How far is it?", None)


def comments(*words):
    return [Comment(ASKED, "Ten miles.", word) for word in words]


def test_a_lexicon_takes_the_longest_words_and_names_the_aspect():
    good, bad, mixed = (
        LexiconConfig()
        .build()
        .read(comments("Good. It is friendly.", "Not good!", "A perfect but useless reply."))
    )
    assert good == Opinion(0.7, "kind", 1.0)
    assert bad == Opinion(0.3, "overall", 1.0)
    assert isinstance(mixed, Opinion)
    assert (mixed.score, mixed.confidence) == pytest.approx((0.5, 0.2))


def test_a_comment_without_a_known_word_has_no_opinion():
    (found,) = LexiconConfig().build().read(comments("Goodness, 17 miles."))
    assert isinstance(found, GraderFailure)
    assert found.kind == "comment_without_opinion"


def test_words_of_a_lexicon_stand_for_shares():
    with pytest.raises(ConfigError, match="'fine' stands for 2; a score is from 0 to 1"):
        LexiconConfig.from_tree({"words": {"fine": 2.0}}, source="recipe.yaml")


@pytest.fixture
def server():
    served = ScriptedServer()
    yield served
    served.close()


def judge(server, **settings):
    api = ApiConfig(
        base_url=server.url, api_key_env=None, cache_folder=None, max_retries=0, **settings
    )
    return ModelJudgeConfig(model="any", served_by=api, aspects=["tone", "truth"]).build()


def said(score, aspect, confidence):
    return json.dumps(
        {"steps": [], "result": {"score": score, "aspect": aspect, "confidence": confidence}}
    )


def test_a_model_is_shown_the_comment_and_held_to_a_schema(server):
    server.script = [Reply.said(said(0.8, "truth", 0.9), num_tokens=31)]
    (found,) = judge(server).read(comments("Right, I measured it."))
    assert found == Opinion(0.8, "truth", 0.9, 31)
    (body,) = server.bodies
    shown = body["messages"][1]["content"]
    assert [part in shown for part in ("How far is it?", "Ten miles.", "Right, I measured it.")]
    assert "tone, truth, overall" in body["messages"][0]["content"]
    result = body["response_format"]["json_schema"]["schema"]["properties"]["result"]
    assert result["properties"]["aspect"]["enum"] == ["tone", "truth", "overall"]
    assert body["temperature"] == 0.0


@pytest.mark.parametrize(
    "reply",
    [
        "I like it.",
        said(1.2, "truth", 0.9),
        said(True, "truth", 0.9),
        said(0.5, "smell", 0.9),
        said(0.5, "truth", None),
        '{"result": 0.5}',
    ],
)
def test_a_reply_of_another_kind_is_a_counted_failure(server, reply):
    server.script = [Reply.said(reply)]
    (found,) = judge(server).read(comments("Fine."))
    assert isinstance(found, GraderFailure)
    assert found.kind == "model_grader_parse_error"
    assert "a number from 0 to 1" in found.message


def test_a_judge_that_is_down_is_a_failure_of_each_comment(server):
    server.script = [Reply({"error": "busy"}, status=400)]
    found = judge(server).read(comments("Fine.", "Bad."))
    kinds = [f.kind for f in found if isinstance(f, GraderFailure)]
    assert kinds == ["model_grader_server_error"] * 2
