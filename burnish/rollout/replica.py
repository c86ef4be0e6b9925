"""The engine's own view of the policy's network: shared weights or a copy in another dtype.

The view is a second module tree, so its attention function and its evaluation mode never touch the
learner's. Tied weights stay tied, because a deep copy maps one parameter to one parameter.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import chain

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from burnish.errors import EngineError
from burnish.rollout.attention import ATTENTION_NAME


def shared_view(network: PreTrainedModel) -> PreTrainedModel:
    """The same parameters and buffers under a module tree of our own."""
    tensors = chain(network.parameters(), network.buffers())
    return _configured(copy.deepcopy(network, {id(tensor): tensor for tensor in tensors}))


def copy_in(network: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """A copy with parameters in `dtype`; buffers (rotary frequencies) keep theirs."""
    memo: dict[int, object] = {}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(
            parameter.detach().to(dtype, copy=True), requires_grad=False
        )
    return _configured(copy.deepcopy(network, memo))


def load_weights(view: PreTrainedModel, weights: Mapping[str, Tensor]) -> None:
    """Copy weights in place, casting them; nothing is copied where the storage is shared.

    Raises EngineError when a name is unknown, a shape differs, or a parameter would stay stale.
    """
    own = view.state_dict(keep_vars=True)
    unknown = sorted(set(weights) - set(own))
    if unknown:
        raise EngineError(
            f"sync: {len(unknown)} weights have no place in the engine's network, such as "
            f"{unknown[0]!r}. Pass the state_dict of the network the engine was built from."
        )
    fresh: set[int] = set()
    with torch.no_grad():
        for name, weight in weights.items():
            _copy(own[name], weight, name)
            fresh.add(id(own[name]))
    stale = [name for name, parameter in view.named_parameters() if id(parameter) not in fresh]
    if stale:
        raise EngineError(
            f"sync: {len(stale)} parameters of the engine's network were not given, such as "
            f"{stale[0]!r}: they would stay as they were. Pass the whole state_dict."
        )


def _copy(own: Tensor, weight: Tensor, name: str) -> None:
    if own.shape != weight.shape:
        raise EngineError(
            f"sync: {name!r} has shape {tuple(weight.shape)}, the engine's network has "
            f"{tuple(own.shape)}. Build the engine anew after a change of architecture."
        )
    if own.data_ptr() != weight.data_ptr() or own.dtype != weight.dtype:
        own.copy_(weight)


def _configured(view: PreTrainedModel) -> PreTrainedModel:
    view.config._attn_implementation = ATTENTION_NAME
    return view.eval()
