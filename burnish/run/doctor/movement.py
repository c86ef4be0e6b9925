"""An update moves what is trained, in the wanted direction, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from burnish.models.trained_state import load_trained_state, trained_state
from burnish.run.doctor.check import Check, Finding, judged

MOVED = "trained weights move, frozen ones stay"
DIRECTION = "{loss}: an update makes what is paid likelier"


@contextmanager
def restored(network: nn.Module) -> Iterator[None]:
    """What is trained of `network` is afterwards as it was before."""
    before = {name: value.detach().clone() for name, value in trained_state(network).items()}
    try:
        yield
    finally:
        load_trained_state(network, before)
        network.zero_grad(set_to_none=True)


def check_movement(network: nn.Module, update: Callable[[], object]) -> Check:
    """Two updates (an adapter's first half has no gradient in the first one) on a copy."""
    parameters = dict(network.named_parameters())
    trained = {name for name, p in parameters.items() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in parameters.items()}
    with restored(network):
        update()
        update()
        moved = {name for name, p in parameters.items() if not torch.equal(p, before[name])}
    numbers = {"trained": len(trained), "frozen": len(parameters) - len(trained)}
    strayed, stuck = sorted(moved - trained), sorted(trained - moved)
    if not strayed and not stuck:
        seen = f"{len(trained)} tensors move, {len(parameters) - len(trained)} are frozen"
        return judged(MOVED, None, seen=seen, numbers=numbers)
    if strayed:
        found = Finding(
            f"{len(strayed)} frozen tensors have changed, such as {strayed[0]}: an adapter's base, "
            "or a reference that shares it, would drift.",
            "Freeze with requires_grad_(False) before the optimizer is built.",
        )
    else:
        found = Finding(
            f"{len(stuck)} of {len(trained)} trained tensors have not changed after two updates, "
            f"such as {stuck[0]}: they have no gradient, or the step is lost in rounding.",
            "Use model.dtype=float32 and a larger learning rate; give no frozen part to train.",
        )
    return judged(MOVED, found, seen="", numbers=numbers, stops_training=True)


def check_direction(
    loss: str, network: nn.Module, update: Callable[[], object], read: Callable[[], float]
) -> Check:
    """After an update, `read` is larger.

    Args:
        read: the log-probability of what the update is to make likelier.
    """
    name = DIRECTION.format(loss=loss)
    with restored(network):
        before = read()
        update()
        after = read()
    numbers = {"before": before, "after": after}
    if after > before:
        seen = f"from {before:.3f} to {after:.3f} nats"
        return judged(name, None, seen=seen, numbers=numbers)
    found = Finding(
        f"after an update that should make an answer likelier its log-probability went from "
        f"{before:.4f} to {after:.4f}: a sign is wrong, or two arguments are swapped.",
        "Compare the loss with its formula; its test needs numbers that tell arguments apart.",
    )
    return judged(name, found, seen="", numbers=numbers, stops_training=True)
