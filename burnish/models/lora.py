"""Low-rank adapters (LoRA, arXiv:2106.09685) in an unmodified `transformers` network, through peft.

    y = W x + (alpha / rank) B A x        A random, B zero at the start; W never changes

One network carries several adapters over the same weights W: the main one in training, others that
are trained beside it (a critic) or only compute (a reference). There is no dropout, as ever here.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import peft
import torch
from peft.tuners.lora import LoraLayer
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from burnish.errors import ModelError
from burnish.models.config import LoraConfig
from burnish.models.merging import MergedWeights, plain_network

MAIN = "default"
"""The adapter that is trained and saved; peft's own name for the only one."""

WEIGHTS_FILE = "adapter_model.safetensors"
_KEY_PREFIX = "base_model.model."
"""Of the names in that file, as peft writes them."""


class Adapters:
    """The adapters of one network. Unless told otherwise it computes with the main one."""

    def __init__(self, network: PreTrainedModel, config: peft.LoraConfig) -> None:
        """Put the main adapter into `network` (in place); A comes from torch's generator."""
        self.config = config
        self._network = network
        self._in_force: str | None = MAIN
        self._trained: set[str] = set()
        self._inject(MAIN)
        self._trained.add(MAIN)
        self._let_gradients_flow()

    @property
    def layer_names(self) -> set[str]:
        """The layers that have adapters."""
        return {n for n, m in self._network.named_modules() if isinstance(m, LoraLayer)}

    @contextmanager
    def using(self, adapter: str | None) -> Iterator[None]:
        """Inside, the network computes with this adapter, or with W alone (None)."""
        before = self._in_force
        self._switch(adapter)
        try:
            yield
        finally:
            self._switch(before)

    def frozen_copy(self) -> str | None:
        """An adapter that stays what the main one is now; None where that changes nothing yet."""
        if not any(_weight(layer.lora_B, MAIN).any() for layer in self._layers()):
            return None
        return self._copy()

    def trained_copy(self) -> str:
        """An adapter that starts as the main one is now and is trained beside it."""
        adapter = self._copy()
        self._trained.add(adapter)
        self._let_gradients_flow()
        return adapter

    def merged_weights(self, adapter: str | None) -> Mapping[str, Tensor]:
        """W + (alpha / rank) B A under the names of the network without adapters."""
        return MergedWeights(self._network, adapter)

    def plain_network(self, adapter: str | None, *, dtype: torch.dtype) -> PreTrainedModel:
        """A network without adapters that computes the same; see `merging.plain_network`."""
        return plain_network(self._network, adapter, dtype=dtype)

    def merged_network(self) -> PreTrainedModel:
        """The plain network of the main adapter, in the dtype of the weights W: for a file."""
        return self.plain_network(MAIN, dtype=self._network.dtype)

    def write(self, folder: Path) -> None:
        """Write the main adapter as peft and `transformers` read it."""
        config = copy.copy(self.config)
        config.inference_mode = True
        assert config.target_modules is not None
        config.target_modules = sorted(config.target_modules)  # the same file for the same adapter
        config.save_pretrained(str(folder))
        state = get_peft_model_state_dict(
            self._network, adapter_name=MAIN, save_embedding_layers=False
        )
        tensors = {f"{_KEY_PREFIX}{name}": tensor.contiguous() for name, tensor in state.items()}
        save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})

    def read(self, weights: Mapping[str, Tensor]) -> set[str]:
        """Take over the main adapter's values from a file's tensors.

        Returns the names that only the file or only the network has: then nothing was read.
        """
        state = {name.removeprefix(_KEY_PREFIX): tensor for name, tensor in weights.items()}
        own = get_peft_model_state_dict(
            self._network, adapter_name=MAIN, save_embedding_layers=False
        )
        differing = state.keys() ^ own.keys()
        if not differing:
            set_peft_model_state_dict(self._network, state, adapter_name=MAIN)
        return differing

    def _layers(self) -> list[LoraLayer]:
        return [m for m in self._network.modules() if isinstance(m, LoraLayer)]

    def _inject(self, adapter: str) -> None:
        with warnings.catch_warnings():  # several adapters are what is wanted
            warnings.filterwarnings("ignore", message="Already found a `peft_config`")
            peft.inject_adapter_in_model(copy.copy(self.config), self._network, adapter)
        for layer in self._layers():
            for matrix in (layer.lora_A[adapter], layer.lora_B[adapter]):
                matrix.float()  # AdamW's small steps would be lost in bfloat16

    @torch.no_grad()
    def _copy(self) -> str:
        adapter = f"copy_{len(self._network.peft_config)}"
        with torch.random.fork_rng(devices=[]):
            self._inject(adapter)
        for layer in self._layers():
            for matrices in (layer.lora_A, layer.lora_B):
                _weight(matrices, adapter).copy_(_weight(matrices, MAIN))
        self._switch(self._in_force)
        return adapter

    def _switch(self, adapter: str | None) -> None:
        for layer in self._layers():
            layer.enable_adapters(adapter is not None)
            if adapter is not None:
                layer.set_adapter(adapter)
        self._in_force = adapter
        self._let_gradients_flow()

    def _let_gradients_flow(self) -> None:
        """Into what is trained, whichever is in force: peft's switches would stop the others."""
        for layer in self._layers():
            for matrices in (layer.lora_A, layer.lora_B):
                for adapter, matrix in matrices.items():
                    matrix.requires_grad_(adapter in self._trained)


def _weight(matrices: nn.ModuleDict, adapter: str) -> nn.Parameter:
    return matrices[adapter].get_parameter("weight")


def add_adapter(
    network: PreTrainedModel,
    lora: LoraConfig,
    *,
    base: str = "",
    output_layer: nn.Module | None = None,
) -> Adapters:
    """A fresh adapter on `network` (in place), which computes as before until it is trained.

    Everything else is frozen. A is drawn from torch's generator. Raises ModelError where a target
    is no linear layer.

    Args:
        base: where tools that read the saved adapter find the network: a folder or a hub id.
        output_layer: gets no adapter; None is the one that the network itself names.
    """
    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # pyright: ignore[reportArgumentType] floats are scaled by as well
        target_modules=_shortened(targeted_layers(network, lora, output_layer), network),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in network.modules()),
        base_model_name_or_path=base,
        task_type="CAUSAL_LM",
    )
    return Adapters(network, config)


def targeted_layers(
    network: PreTrainedModel, lora: LoraConfig, output_layer: nn.Module | None = None
) -> list[str]:
    """The names of the layers that the targets mean. Raises ModelError where one means none."""
    output = output_layer or network.get_output_embeddings()
    linear = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and module is not output
    ]
    if lora.targets == "all-linear":
        return linear
    found: list[str] = []
    for target in lora.targets:
        meant = [name for name in linear if f".{name}".endswith(f".{target}")]
        if not meant:
            kinds = sorted({name.rpartition(".")[2] for name in linear})
            raise ModelError(
                f"model.lora.targets: {type(network).__name__} has no linear layer {target!r} that "
                f"can have an adapter. Name some of {', '.join(kinds)}, or all-linear."
            )
        found += meant
    return list(dict.fromkeys(found))


def _shortened(names: list[str], network: PreTrainedModel) -> list[str]:
    """The ends of the names (q_proj), as adapters are usually written, where they mean the same."""
    ends = {name.rpartition(".")[2] for name in names}
    modules = (name for name, _ in network.named_modules())
    meant = {name for name in modules if name.rpartition(".")[2] in ends}
    return sorted(ends if meant == set(names) else names)
