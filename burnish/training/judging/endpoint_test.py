from __future__ import annotations

import time

import pytest

from burnish.errors import GraderError
from burnish.graders.model_client.scripted_server import Reply
from burnish.graders.verdicts import ErrorKind
from burnish.training.judging.endpoint import EndpointOptions
from burnish.training.judging.options import Choice, JudgeTokens, Written
from burnish.types import GraderFailure

OPTIONS = [" 1", " 2"]


def test_options_are_read_off_the_likeliest_tokens(server, endpoint, goes_on):
    server.script = [goes_on(("1", 0.5), (" 2", 0.2), (" 1", 0.125), ("one", 0.1))]
    (choice,) = EndpointOptions(endpoint()).choose(["Which?"], OPTIONS)
    assert isinstance(choice, Choice)
    assert choice.probabilities == pytest.approx((0.625, 0.2))
    assert choice.tokens == JudgeTokens(40, 1)
    (body,) = server.bodies
    assert body["messages"] == [{"role": "user", "content": "Which?"}]
    assert (body["logprobs"], body["top_logprobs"], body["max_completion_tokens"]) == (True, 20, 1)


def test_option_that_is_not_among_them_has_no_probability(server, endpoint, goes_on):
    server.script = [goes_on(("2", 0.9), ("x", 0.1))]
    (choice,) = EndpointOptions(endpoint()).choose(["Which?"], OPTIONS)
    assert isinstance(choice, Choice)
    assert choice.probabilities == pytest.approx((0.0, 0.9))


def test_reasons_are_written_with_a_seed(server, endpoint):
    server.script = [Reply.said("The second is right.")]
    judge = EndpointOptions(endpoint())
    (said,) = judge.write(["Why?"], max_tokens=50, temperature=0.5, seeds=[7])
    assert isinstance(said, Written)
    assert said.text == "The second is right."
    (body,) = server.bodies
    assert (body["temperature"], body["seed"], body["max_completion_tokens"]) == (0.5, 7, 50)
    assert "logprobs" not in body


def test_same_question_is_asked_once(server, endpoint, goes_on):
    server.script = [goes_on(("1", 0.5), ("2", 0.5))]
    first = EndpointOptions(endpoint()).choose(["Which?"], OPTIONS)
    again = EndpointOptions(endpoint()).choose(["Which?"], OPTIONS)
    assert first == again
    assert len(server.requests) == 1


def test_busy_server_is_asked_again(server, endpoint, goes_on):
    busy = Reply({"error": "slow down"}, status=429, headers={"retry-after": "0.01"})
    server.script = [busy, busy, goes_on(("1", 0.7), ("2", 0.3))]
    (choice,) = EndpointOptions(endpoint(max_retries=2)).choose(["Which?"], OPTIONS)
    assert isinstance(choice, Choice)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_server_that_stays_busy_or_down_stops_the_run(server, endpoint, status):
    server.script = [Reply({"error": "no"}, status=status)]
    judge = EndpointOptions(endpoint(max_retries=2))
    with pytest.raises(GraderError, match=rf"judge judge@127.* failed 3 times.* HTTP {status}"):
        judge.choose(["Which?"], OPTIONS)
    assert len(server.requests) == 3


def test_nobody_at_the_address_stops_the_run(server, endpoint):
    judge = EndpointOptions(endpoint())
    server.close()
    with pytest.raises(GraderError, match=r"cannot be asked.*continue with --resume"):
        judge.choose(["Which?"], OPTIONS)


def test_what_was_answered_before_the_server_failed_is_not_asked_again(server, endpoint, goes_on):
    down = Reply({"error": "no"}, status=400)
    told = goes_on(("1", 0.5), ("2", 0.5))

    def script(body):
        if body["messages"][0]["content"] != "b":
            return told
        time.sleep(0.05)
        return down

    server.script = script
    with pytest.raises(GraderError, match="HTTP 400"):
        EndpointOptions(endpoint(max_concurrent=1)).choose(["a", "b"], OPTIONS)
    server.script = [told]
    server.requests.clear()
    EndpointOptions(endpoint()).choose(["a", "b"], OPTIONS)
    assert [body["messages"][0]["content"] for body in server.bodies] == ["b"]


def test_refusal_is_a_failure_of_that_question_alone(server, endpoint, goes_on):
    refusal = Reply.said(None, refusal="I will not.")
    told = goes_on(("1", 0.5), ("2", 0.5))
    server.script = lambda body: refusal if body["messages"][0]["content"] == "a" else told
    first, second = EndpointOptions(endpoint()).choose(["a", "b"], OPTIONS)
    assert isinstance(first, GraderFailure)
    assert first.kind == ErrorKind.MODEL_REFUSAL.value
    assert isinstance(second, Choice)


@pytest.mark.parametrize("body", [{"choices": []}, {"error": "x"}, [1]])
def test_reply_that_is_no_completion_stops_the_run(server, endpoint, body):
    server.script = [Reply(body)]
    with pytest.raises(GraderError, match="no chat completion"):
        EndpointOptions(endpoint()).choose(["Which?"], OPTIONS)


def test_server_without_logprobs_stops_the_run(server, endpoint):
    server.script = [Reply.said("1")]
    with pytest.raises(GraderError, match="gives no `top_logprobs`"):
        EndpointOptions(endpoint()).choose(["Which?"], OPTIONS)
