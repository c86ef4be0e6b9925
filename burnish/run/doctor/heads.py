"""What the models of a run say of rows, so that it can be seen whether they read padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from burnish.methods.constitutional.method import ConstitutionalConfig
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.methods.reranker.method import RerankerConfig
from burnish.methods.reward_model.method import RewardModelConfig
from burnish.methods.rlaif.method import RlaifConfig
from burnish.methods.rlhf.method import RlhfConfig
from burnish.models.policy import Policy
from burnish.models.reward_head import RewardHead
from burnish.models.token_batch import TokenBatch
from burnish.models.value_head import SharedCritic
from burnish.run.doctor.invariance import Reader
from burnish.run.doctor.patient import Patient
from burnish.run.doctor.updates import PpoMethod
from burnish.training.seeds import derived_seed
from burnish.training.workbench import Workbench
from burnish.types import Example

_TRAINS_REWARDS = RewardModelConfig | RlhfConfig | RlaifConfig | ConstitutionalConfig


def readers(patient: Patient) -> dict[str, Reader]:
    """The policy, and the model that judges where the method has one."""
    method, policy = patient.recipe.method, patient.policy
    found = {"policy": policy_reader(policy)}
    if isinstance(method, PpoMethod):
        found["critic"] = critic_reader(policy)
    if isinstance(method, _TRAINS_REWARDS):
        found["reward model"] = reward_reader(patient.bench)
    if isinstance(method, RerankerConfig):
        found["reranker"] = verifier_reader(patient.bench)
    if isinstance(method, ProcessRewardConfig):
        found["value model"] = value_reader(patient.bench)
    return found


def policy_reader(policy: Policy) -> Reader:
    """Log-probabilities of what is learnt."""

    @torch.no_grad()
    def read(rows: Sequence[Example]) -> list[list[float]]:
        batch = TokenBatch.collate(rows).to(policy.device)
        logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
        return _on_actions(logp, batch)

    return read


def critic_reader(policy: Policy) -> Reader:
    """Values of a random head on the policy's states."""
    torch.manual_seed(derived_seed(0, "value head"))
    critic = SharedCritic(policy)

    @torch.no_grad()
    def read(rows: Sequence[Example]) -> list[list[float]]:
        batch = TokenBatch.collate(rows).to(policy.device)
        return _on_actions(critic.values(batch, policy.hidden_states(batch)), batch)

    return read


def reward_reader(bench: Workbench) -> Reader:
    """Scores of a reward model with a random head."""
    torch.manual_seed(derived_seed(0, "reward head"))
    head = RewardHead("comparisons", ("reward",))
    model = bench.start_reward_model(None, head, head_start="random")

    @torch.no_grad()
    def read(rows: Sequence[Example]) -> list[list[float]]:
        return model.scores(TokenBatch.collate(rows).to(model.device)).tolist()

    return read


def verifier_reader(bench: Workbench) -> Reader:
    """Logits of a reranker with a random head."""
    torch.manual_seed(derived_seed(0, "verifier head"))
    model = bench.start_verifier(None)

    @torch.no_grad()
    def read(rows: Sequence[Example]) -> list[list[float]]:
        return model.logits(TokenBatch.collate(rows).to(model.device)).tolist()

    return read


def value_reader(bench: Workbench) -> Reader:
    """Last states of a value model, whose head of zeros would hide everything."""
    model = bench.start_process_reward(None, head="hidden")
    torch.manual_seed(derived_seed(0, "value model"))
    width = model.network.config.get_text_config().hidden_size
    head = nn.Linear(width, 1, device=model.device)
    trunk = model.plain_network().base_model

    @torch.no_grad()
    def read(rows: Sequence[Example]) -> list[list[float]]:
        batch = TokenBatch.collate(rows).to(model.device)
        states = trunk(
            input_ids=batch.token_ids, position_ids=batch.position_ids, use_cache=False
        ).last_hidden_state
        return _on_actions(head(states[:, :-1].float()).squeeze(-1), batch)

    return read


def _on_actions(values: Tensor, batch: TokenBatch) -> list[list[float]]:
    return [row[mask].tolist() for row, mask in zip(values, batch.action_mask, strict=True)]
