"""The learner: gradients in micro-batches, then one optimizer step.

A loss is given already divided by global counts, so gradients of micro-batches simply add up and
how a batch is cut changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from burnish.config import Config
from burnish.core.schedules import constant, linear_decay, warm_up_steps
from burnish.errors import NonFiniteError
from burnish.models.trained_state import load_trained_state, trained_state

M = TypeVar("M")
Metrics = dict[str, float]


class OptimizerConfig(Config):
    """AdamW with a schedule and gradient clipping."""

    learning_rate: float = Field(default=1e-5, gt=0)
    """Peak learning rate."""
    schedule: Literal["constant", "linear"] = "linear"
    """constant from the first step, or linear: up during warm-up, then down to 0."""
    warmup_ratio: float = Field(default=0.1, ge=0, le=1)
    """linear only: share of all steps over which the rate rises from 0."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's averaging of gradient and squared gradient."""
    epsilon: float = 1e-8
    """AdamW's epsilon."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled weight decay."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this global norm."""


class Learner:
    """Parameters in training with their optimizer. The same verbs for one process or many."""

    def __init__(self, modules: Mapping[str, nn.Module], config: OptimizerConfig) -> None:
        """`modules`: what is trained, by a name that is stable between runs.

        Of them, the parameters that take gradients; one that two modules share is one.
        """
        self._modules = dict(modules)
        self._config = config
        trained = chain.from_iterable(trained_state(m).values() for m in self._modules.values())
        self._parameters = list({id(parameter): parameter for parameter in trained}.values())
        self._optimizer = torch.optim.AdamW(
            self._parameters,
            lr=config.learning_rate,
            betas=config.betas,
            eps=config.epsilon,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._num_updates = 0
        self._problem_ids: dict[str, None] = {}  # of the micro-batches since the last update

    def forward_backward(
        self,
        batches: Iterable[M],
        loss: Callable[[M], tuple[Tensor, Metrics]],
        *,
        ids_of: Callable[[M], Iterable[str]],
    ) -> Metrics:
        """Add the gradients of every micro-batch; returns the sums of loss and metrics.

        Raises NonFiniteError before a non-finite loss reaches the weights, naming the problems by
        `ids_of` the micro-batch.
        """
        total: Metrics = {"loss": 0.0}
        for index, batch in enumerate(batches):
            ids = dict.fromkeys(ids_of(batch))
            self._problem_ids |= ids
            value, metrics = loss(batch)
            if not math.isfinite(value.item()):
                raise NonFiniteError(
                    f"the loss of micro-batch {index} in update {self._num_updates} is "
                    f"{value.item()}; nothing was updated. Lower the learning rate, or look for "
                    f"an extreme row among {', '.join(ids)}."
                )
            value.backward()
            for name, number in {"loss": value.item(), **metrics}.items():
                total[name] = total.get(name, 0.0) + number
        return total

    def optim_step(self, *, num_steps: int) -> Metrics:
        """Clip, update, clear the gradients. `num_steps`: of the whole stage, for the schedule.

        Raises NonFiniteError before a non-finite gradient reaches the weights, naming the problems
        since the last update.
        """
        for parameter in self._parameters:
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.to_dense()
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.max_grad_norm).item()
        if not math.isfinite(norm):
            raise NonFiniteError(
                f"the gradient norm of update {self._num_updates} is {norm}; nothing was updated. "
                "Lower the learning rate or `max_grad_norm`, compute in float32, or look for an "
                f"extreme row among {', '.join(self._problem_ids)}."
            )
        rate = self._config.learning_rate * self._multiplier(num_steps)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._num_updates += 1
        self._problem_ids.clear()
        return {"train/grad_norm": norm, "train/learning_rate": rate}

    def state_dict(self) -> dict[str, Any]:
        """The weights in training, optimizer moments and update count."""
        return {
            "modules": {name: trained_state(module) for name, module in self._modules.items()},
            "optimizer": self._optimizer.state_dict(),
            "num_updates": self._num_updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        for name, module in self._modules.items():
            load_trained_state(module, state["modules"][name])
        self._optimizer.load_state_dict(state["optimizer"])
        self._num_updates = state["num_updates"]

    def _multiplier(self, num_steps: int) -> float:
        if self._config.schedule == "constant":
            return constant(self._num_updates)
        warm_up = warm_up_steps(num_steps, ratio=self._config.warmup_ratio)
        # The first update uses the rate of step 1: at step 0 it is 0 and the update is lost.
        return linear_decay(
            self._num_updates + 1, num_steps=num_steps + 1, num_warm_up_steps=warm_up
        )
