"""Tree search over abstract steps. No torch, no language model: these are asked from outside."""
