from __future__ import annotations

from math import log

import pytest

from burnish.graders.model_client.scripted_server import Reply, ScriptedServer
from burnish.training.judging.endpoint import EndpointJudgeModelConfig


@pytest.fixture
def server():
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def endpoint(server, tmp_path):
    """Settings of a judge behind the server; they are changed by name."""

    def settings(**changes) -> EndpointJudgeModelConfig:
        return EndpointJudgeModelConfig(
            **{
                "model": "judge",
                "base_url": server.url,
                "api_key_env": None,
                "cache_folder": tmp_path / "cache",
                "max_retries": 1,
                "first_wait_s": 0.01,
                **changes,
            }
        )

    return settings


@pytest.fixture
def goes_on():
    """A reply whose first token has these likely alternatives."""

    def reply(*likely: tuple[str, float], num_prompt: int = 40) -> Reply:
        top = [{"token": token, "logprob": log(p)} for token, p in likely]
        content = [{"token": top[0]["token"], "logprob": 0.0, "top_logprobs": top}]
        choice = {"message": {"content": "x"}, "logprobs": {"content": content}}
        usage = {"prompt_tokens": num_prompt, "completion_tokens": 1}
        return Reply({"choices": [choice], "usage": usage})

    return reply
