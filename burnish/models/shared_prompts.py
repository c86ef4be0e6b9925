"""The samples of one prompt pay for it once: in training as in sampling.

The prompt runs through the network one time, its keys and values are repeated for each of its
samples (gradients flow back through the repetition and add up), and only what was sampled runs
again. The result is that of the plain forward pass.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

from burnish.models.token_batch import TokenBatch


def shares_prompts(batch: TokenBatch, config: PreTrainedConfig) -> bool:
    """Whether sharing is possible and worth it.

    Keys of padding stand between a short prompt and its samples. Masks hide them, but a sliding
    window counts them, so rows that a window could cut are computed plainly.
    """
    rows = torch.arange(len(batch.same_prompt), device=batch.same_prompt.device)
    if not bool((batch.same_prompt != rows).any()) or bool((batch.prompt_length == 0).any()):
        return False
    window = vars(config.get_text_config()).get("sliding_window")
    longest = int(batch.prompt_length.max()) + batch.token_ids.shape[1]
    return window is None or longest <= window


def hidden_with_shared_prompts(trunk: nn.Module, batch: TokenBatch) -> Float[Tensor, "B L D"]:
    """Last hidden states at every state in which an action may be chosen; zero in the prompt."""
    first_rows, prompt_index = torch.unique(batch.same_prompt, return_inverse=True)
    size = int(batch.prompt_length.max())
    columns = torch.arange(batch.token_ids.shape[1], device=batch.token_ids.device)
    is_prompt = columns[:size] < batch.prompt_length[first_rows, None]
    cache = DynamicCache()
    prompts = trunk(
        input_ids=batch.token_ids[first_rows, :size],
        attention_mask=is_prompt.long(),
        position_ids=columns[None, :size].expand(len(first_rows), -1),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    last = prompts[prompt_index, batch.prompt_length - 1]
    rows = torch.arange(len(prompt_index), device=columns.device)
    hidden = last.new_zeros(*batch.token_ids.shape, last.shape[-1])
    hidden = hidden.index_put((rows, batch.prompt_length - 1), last)

    num_sampled = batch.is_real.sum(dim=1) - batch.prompt_length
    width = int(num_sampled.max()) - 1  # the last token chooses nothing
    if width < 1:
        return hidden
    is_sampled = columns[:width] < num_sampled[:, None] - 1
    places = (batch.prompt_length[:, None] + columns[:width]).clamp(max=columns[-1])
    _repeat_rows(cache, prompt_index)
    sampled = trunk(
        input_ids=batch.token_ids.gather(1, places),
        attention_mask=torch.cat([is_prompt[prompt_index], is_sampled], dim=1).long(),
        position_ids=places,
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    at_rows = rows[:, None].expand_as(places)[is_sampled]
    return hidden.index_put((at_rows, places[is_sampled]), sampled[is_sampled])


def _repeat_rows(cache: DynamicCache, index: Tensor) -> None:
    """Row i becomes what row `index[i]` was. (index_select has a fast backward pass.)"""
    for layer in cache.layers:
        assert isinstance(layer, DynamicLayer)
        keys, values = layer.keys, layer.values
        assert keys is not None
        assert values is not None
        layer.keys, layer.values = keys.index_select(0, index), values.index_select(0, index)
