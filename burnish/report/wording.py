"""How numbers, times and names are written on the page."""

from __future__ import annotations

_LABELS = {
    "base": "Base model",
    "stage_one": "Stage I",
    "stage_two": "Stage II",
    "warm_up": "Warm-up",
    "sft": "SFT",
    "reft": "ReFT",
    "grpo": "GRPO",
    "dpo": "DPO",
    "rlhf": "RLHF",
    "rlaif": "RLAIF",
    "direct_rlaif": "Direct RLAIF",
    "iterative_dpo": "Iterative DPO",
    "best_of_n_distillation": "Best-of-n distillation",
    "constitutional": "Constitutional AI",
    "sl_cai": "SL-CAI",
    "rl_cai": "RL-CAI",
    "score": "SCoRe",
    "self_refine": "Self-Refine",
    "star_correction": "STaR in two turns",
    "pair_sft": "Pair-SFT",
    "single_turn_rl": "Single-turn RL",
    "single_turn": "Single-turn RL",
    "rest_mcts": "ReST-MCTS*",
    "mcts": "MCTS*",
    "beam": "Tree of Thoughts, breadth first",
    "dfs": "Tree of Thoughts, depth first",
    "greedy": "Greedy",
    "bon": "Best-of-n by step values",
    "orm": "Best-of-n by outcome",
    "vote": "Self-consistency",
    "weighted_vote": "Vote weighted by values",
    "svamp": "SVAMP",
    "gsm8k": "GSM8K",
    "mathqa": "MathQA",
    "math500": "MATH-500",
    "scibench": "SciBench",
}


def label(name: str) -> str:
    """A name of a stage, method or task as people write it."""
    words = name.replace("_", " ").strip()
    return _LABELS.get(name, words[:1].upper() + words[1:])


def in_sentence(stage: str) -> str:
    """A stage's name inside a sentence: "the base model", "SFT"."""
    return "the base model" if stage == "base" else label(stage)


def percent(share: float) -> str:
    """0.8421 as "84.2 %" (with a no-break space)."""
    return f"{100 * share:.1f}\u00a0%"


def signed(points: float) -> str:
    """A difference with its sign and one digit: "+4.2", "\u22120.5"."""
    return f"{points:+.1f}".replace("-", "\u2212")


def compact(value: float) -> str:
    """A number in about three significant digits: 12.3, 0.0041, 3e-07, 1.2k, 4.5M."""
    size = abs(value)
    if size == 0:
        return "0"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= unit:
            return f"{value / (1e3 if name == 'k' else unit):.3g}{name}"
    if size < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    if size >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Seconds as "45 s", "2 min 50 s", "3 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}\u00a0s"
    if whole < 3600:
        return f"{whole // 60}\u00a0min {whole % 60:02d}\u00a0s"
    return f"{whole // 3600}\u00a0h {whole % 3600 // 60:02d}\u00a0min"


def chance(p: float) -> str:
    """A p value in words: "about once in 40 tests", "in about 3 of 10 tests"."""
    if p < 1e-4:
        return "less than once in 10,000 tests"
    if p <= 0.2:
        return f"about once in {_two_digits(1 / p):,} tests"
    if p > 0.95:
        return "in nearly every test"
    return f"in about {round(10 * p)} of 10 tests"


def p_value(p: float) -> str:
    """p as "p < 0.0001" or "p = 0.032"."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def _two_digits(value: float) -> int:
    return int(float(f"{value:.2g}"))
