from __future__ import annotations

from typing import Any

import pytest

from burnish.errors import GraderError
from burnish.graders.model_client.scripted_server import Reply, ScriptedServer
from burnish.methods.rlaif.direct import DirectRlaifConfig

FAST = {"learning_rate": 3e-3, "schedule": "constant", "warmup_ratio": 0}
SMALL: dict[str, Any] = {
    "judge": {"type": "simulated", "length_bias": 0.2},
    "reinforce": {
        "num_steps": 3,
        "batch_size": 4,
        "max_logp_gap": 1e9,
        "eval_every": 99,
        "optimizer": FAST,
    },
}


def config_of(**settings) -> DirectRlaifConfig:
    return DirectRlaifConfig.model_validate(SMALL | settings)


@pytest.fixture
def server():
    server = ScriptedServer()
    yield server
    server.close()


def judge_at(server, **settings):
    model = {
        "type": "endpoint",
        "model": "judge",
        "base_url": server.url,
        "api_key_env": None,
        "cache_folder": None,
        "max_retries": 0,
    }
    return {"type": "model", "model": model | settings}


def says(token: str) -> Reply:
    content = [{"top_logprobs": [{"token": token, "logprob": 0.0}]}]
    choice = {"message": {"content": token}, "logprobs": {"content": content}}
    usage = {"prompt_tokens": 50, "completion_tokens": 1}
    return Reply({"choices": [choice], "usage": usage})


def test_judge_pays_as_it_says_and_rl_starts_where_it_is(bench, run_all, tmp_path):
    _, metrics = run_all(config_of().stages(bench), tmp_path)
    first, *_ = metrics["direct_rlaif"]
    assert first["ppo/kl"] == pytest.approx(0.0, abs=1e-4)
    assert -1.0 <= first["grader/judge"] <= 1.0
    assert first["rollout/reward"] == pytest.approx(first["grader/judge"])


def test_expected_score_of_a_model_behind_a_server_is_the_reward_and_is_charged(
    bench, run_all, tmp_path, server
):
    server.script = [says("7")]
    _, metrics = run_all(config_of(judge=judge_at(server)).stages(bench), tmp_path)
    rows = metrics["direct_rlaif"]
    assert rows[1]["rollout/reward"] == pytest.approx(2 * 6 / 9 - 1)
    assert rows[1]["judge/tokens"] == 4 * 51


def test_judge_that_gives_no_number_stops_the_run(bench, run_all, tmp_path, server):
    server.script = [says("Hm")]
    with pytest.raises(GraderError, match=r"judge: only 0 of \d+ held-out answers"):
        run_all(config_of(judge=judge_at(server)).stages(bench), tmp_path)


def test_judge_that_goes_down_stops_the_run_with_its_address(bench, run_all, tmp_path, server):
    server.script = [says("7")] * 9 + [Reply({"error": "busy"}, status=429)]
    with pytest.raises(GraderError, match=r"judge@127\.0\.0\.1.*HTTP 429.*--resume"):
        run_all(config_of(judge=judge_at(server)).stages(bench), tmp_path)
