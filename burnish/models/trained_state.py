"""What training changes of a module: the parameters that take gradients, and nothing else.

A frozen network below an adapter is not part of it. Buffers are not, either: no module here changes
its own in training.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from burnish.errors import CheckpointError


def trained_state(module: nn.Module) -> dict[str, Tensor]:
    """The parameters in training by name; tied ones stand under each of their names."""
    parameters = module.named_parameters(remove_duplicate=False)
    return {name: parameter for name, parameter in parameters if parameter.requires_grad}


@torch.no_grad()
def load_trained_state(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy the values of `state` in place. Raises CheckpointError where it is of another module."""
    own = trained_state(module)
    differing = own.keys() ^ state.keys()
    if differing:
        raise CheckpointError(
            f"the checkpoint and the model differ in what is trained, such as in {min(differing)}. "
            "Resume with the recipe that wrote it, or use a new --out."
        )
    for name, parameter in own.items():
        parameter.copy_(state[name])
