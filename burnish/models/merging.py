"""A network with low-rank adapters as a plain one: what samples, and what other tools load.

    W' = W + (alpha / rank) B A

Quantised weights W are computed back to their float values first.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TypeVar, cast

import torch
from peft.tuners.lora import Linear, LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel

from burnish.models.quantization import is_quantized

N = TypeVar("N", bound=PreTrainedModel)

_MARKS = (
    "peft_config",
    "hf_quantizer",
    "quantization_method",
    "is_quantized",
    "is_loaded_in_4bit",
    "is_loaded_in_8bit",
)
"""What peft and transformers leave on a network, and a plain one does not have."""


@torch.no_grad()
def plain_network(network: N, adapter: str | None, *, dtype: torch.dtype) -> N:
    """The same network with W' of one adapter in it (None: with W) and no adapters.

    Tensors that the adapter leaves as they are, are shared with `network`, not copied. `dtype` is
    that of W', which is summed in float32 where adapters are in it.
    """
    memo: dict[int, object] = {
        id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())
    }
    for layer in _linear_layers(network).values():
        memo[id(layer)] = _plain_layer(layer, adapter, dtype)
    plain = copy.deepcopy(network, memo)
    for name in _MARKS:
        vars(plain).pop(name, None)
    vars(plain.config).pop("quantization_config", None)
    return plain


class MergedWeights(Mapping[str, Tensor]):
    """The `state_dict` of the plain network; each W' is computed when it is read, and not kept."""

    def __init__(self, network: PreTrainedModel, adapter: str | None) -> None:
        """`adapter`: whose W'; None: W."""
        self._adapter = adapter
        layers = _linear_layers(network)
        self._merged = {f"{name}.weight": layer for name, layer in layers.items()}
        inside = tuple(f"{name}." for name in layers)
        state = network.state_dict()
        self._plain = {name: t for name, t in state.items() if not name.startswith(inside)}
        biases = {f"{name}.bias": _bias(layer) for name, layer in layers.items()}
        self._plain |= {name: bias.detach() for name, bias in biases.items() if bias is not None}

    @torch.no_grad()
    def __getitem__(self, name: str) -> Tensor:
        if name in self._merged:
            return _weight(self._merged[name], self._adapter)
        return self._plain[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._merged
        yield from self._plain

    def __len__(self) -> int:
        return len(self._merged) + len(self._plain)


def _linear_layers(network: PreTrainedModel) -> dict[str, nn.Module]:
    """Those with adapters and those that are quantised, by name."""
    found: dict[str, nn.Module] = {}
    for name, module in network.named_modules():
        inside = name.rpartition(".")[0] in found
        if not inside and (_has_adapters(module) or is_quantized(module)):
            found[name] = module
    return found


def _has_adapters(module: nn.Module) -> bool:
    return isinstance(module, LoraLayer)


def _base(layer: nn.Module) -> nn.Module:
    return cast("LoraLayer", layer).get_base_layer() if isinstance(layer, LoraLayer) else layer


def _bias(layer: nn.Module) -> nn.Parameter | None:
    return dict(_base(layer).named_parameters(recurse=False)).get("bias")


def _weight(layer: nn.Module, adapter: str | None) -> Tensor:
    """W', or W where there is no adapter to add."""
    weight = _own_weight(_base(layer))
    if adapter is None or not isinstance(layer, LoraLayer):
        return weight
    return weight + cast("Linear", layer).get_delta_weight(adapter)


def _own_weight(base: nn.Module) -> Tensor:
    """W. Of a quantised layer, what its products compute: its storage changes with the device."""
    if not isinstance(base, nn.Linear) or not is_quantized(base):
        return base.get_parameter("weight").detach()
    columns = base(torch.eye(base.in_features, device=base.weight.device))
    return (columns if base.bias is None else columns - base.bias).T


def _plain_layer(layer: nn.Module, adapter: str | None, dtype: torch.dtype) -> nn.Module:
    """The layer's class without peft, with W' in it and its own bias."""
    base, bias = _base(layer), _bias(layer)
    weight = nn.Parameter(_weight(layer, adapter).to(dtype), requires_grad=False)
    if not is_quantized(base):
        return copy.deepcopy(base, {id(base.get_parameter("weight")): weight, id(bias): bias})
    num_out, num_in = weight.shape
    plain = nn.Linear(num_in, num_out, bias=False, device="meta")
    plain.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    plain.register_parameter("bias", bias)
    return plain
