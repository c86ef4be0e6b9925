"""The models behind the searches of one run: which method asks which, each loaded once.

greedy, vote              the policy alone
mcts, beam, dfs, bon      a value model (`--value`)
orm                       an outcome model (`--outcome`), or a value model read at the end
weighted_vote             a value model, or an outcome model where there is none
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from burnish.errors import ConfigError
from burnish.models.outcome_verifier import OutcomeVerifier
from burnish.models.process_reward_model import HEAD_FILE, ProcessRewardModel
from burnish.run.outcome_valuer import OutcomeValuer
from burnish.run.search_recipe import SearchMethod, SearchRecipe
from burnish.run.trained import last_model
from burnish.search.asks import Continuation, Valuation
from burnish.search.marked_ends import MarkedEnds
from burnish.search.one_pass import OnePassCharges
from burnish.search.remembering import (
    PathKey,
    RememberingProposer,
    RememberingValuer,
    SampleKey,
)
from burnish.search.scheduler import Models
from burnish.training.first_test_valuer import FirstTestValuer
from burnish.training.tree_questions import Questions
from burnish.training.tree_search import TreeSearcher
from burnish.training.workbench import Workbench
from burnish.types import Json

FIRST_TEST = "first_test"
"""What `--value` says where the visible test of a problem is the value model."""

Role: TypeAlias = Literal["value", "outcome"]
_SAMPLED: Sequence[SearchMethod] = ("vote", "bon", "orm", "weighted_vote")


@dataclass(frozen=True, slots=True)
class Judges:
    """What was named to judge solutions.

    Attributes:
        value: FIRST_TEST, the folder of a value model or that of its run; None for none.
        outcome: the folder of an outcome verifier or of a value model, or of their run.
    """

    value: str | None = None
    outcome: Path | None = None

    def role_for(self, method: SearchMethod) -> Role | None:
        """Who values for a method; None where nothing is valued. Raises ConfigError."""
        if method in ("greedy", "vote"):
            return None
        if method == "orm" or (method == "weighted_vote" and self.value is None):
            if self.outcome is None:
                also = " or --value" if method == "weighted_vote" else ""
                raise ConfigError(
                    f"--method {method}: it judges whole solutions by a model; name the folder of "
                    f"a trained reranker or value model, or of its run, with --outcome{also}"
                )
            return "outcome"
        if self.value is None:
            raise ConfigError(
                f"--method {method}: only greedy and vote search without a value model; name the "
                "folder of a trained one, or of its run, with --value"
            )
        return "value"

    def folder(self, role: Role) -> Path | None:
        """The folder of the model itself; None where there is no such model."""
        named = self._named(role)
        return None if named is None else _model_in(named)

    @property
    def run(self) -> str | None:
        """The run that the value model, or else the outcome model, comes from, where it does:
        RUN, or RUN/stages/STAGE/selected."""
        named = [path for role in get_args(Role) if (path := self._named(role)) is not None]
        folders = [folder for path in named for folder in (path, *path.absolute().parents[2:3])]
        return next((str(folder) for folder in folders if (folder / "config.yaml").is_file()), None)

    def as_json(self) -> dict[str, Json]:
        """What a search has to be continued with."""
        value, outcome = self.folder("value"), self.folder("outcome")
        return {
            "value_model": self.value if value is None else str(value),
            "outcome_model": None if outcome is None else str(outcome),
        }

    def _named(self, role: Role) -> Path | None:
        if role == "outcome":
            return self.outcome
        return None if self.value in (None, FIRST_TEST) else Path(self.value)


class SearchModels:
    """Policy and judges of one run.

    Args:
        recipe: what is searched.
        bench: of the recipe.
        judges: besides the policy.
        should_stop: looked at while trees grow.
    """

    def __init__(
        self,
        recipe: SearchRecipe,
        bench: Workbench,
        judges: Judges,
        *,
        should_stop: Callable[[], bool],
    ) -> None:
        self._recipe = recipe
        self._bench = bench
        self._judges = judges
        self._should_stop = should_stop
        self._policy = bench.load_policy()
        self._loaded: dict[Path, OutcomeVerifier | ProcessRewardModel] = {}
        self._samples: dict[SampleKey, Continuation] = {}
        self._values: dict[Role, dict[PathKey, Valuation]] = {"value": {}, "outcome": {}}

    def load(self, methods: Sequence[SearchMethod]) -> None:
        """Load what the methods are judged by now, so that an error comes before all work."""
        for method in methods:
            role = self._judges.role_for(method)
            if role is not None:
                self._model(role)

    def searcher(self, method: SearchMethod) -> TreeSearcher:
        """What a method searches with. Raises ConfigError, ModelError."""
        config, role = self._recipe.search, self._judges.role_for(method)
        if method == "greedy":
            # Not a setting: several proposals at temperature 0 would be one.
            config = config.model_copy(update={"temperature": 0.0})
        model = None if role is None else self._model(role)

        def models_of(models: Models, questions: Questions) -> Models:
            if isinstance(model, OutcomeVerifier):
                models = replace(models, valuer=self._outcome_valuer(model, questions))
            elif role is not None and model is None:
                models = replace(models, valuer=FirstTestValuer(self._recipe.first_test, questions))
            if self._recipe.end_markers:
                ended = MarkedEnds(models.proposer, self._recipe.end_markers)
                models = replace(models, proposer=ended)
            models = self._sharing(models, role) if method in _SAMPLED else models
            once = None if models.valuer is None else OnePassCharges(models.valuer)
            return replace(models, valuer=once)

        return TreeSearcher(
            self._bench,
            self._policy,
            model if isinstance(model, ProcessRewardModel) else None,
            config,
            clock=time.monotonic,
            should_stop=self._should_stop,
            models_of=models_of,
        )

    def _outcome_valuer(self, model: OutcomeVerifier, questions: Questions) -> OutcomeValuer:
        renderer = self._bench.renderer(model)
        max_tokens = self._bench.compute.max_tokens_per_batch
        return OutcomeValuer(model, renderer, questions, max_tokens=max_tokens)

    def _model(self, role: Role) -> OutcomeVerifier | ProcessRewardModel | None:
        """The model in a role, loaded once; None where the first test has it."""
        named = self._judges.folder(role)
        if named is not None and named not in self._loaded:
            is_steps = role == "value" or (named / HEAD_FILE).is_file()
            load = self._bench.load_process_reward if is_steps else self._bench.load_verifier
            self._loaded[named] = load(named)
        return None if named is None else self._loaded[named]

    def _sharing(self, models: Models, role: Role | None) -> Models:
        """The models, which are not asked again for what another method has asked them."""
        proposer = RememberingProposer(models.proposer, self._samples)
        if models.valuer is None or role is None:
            return replace(models, proposer=proposer)
        valuer = RememberingValuer(models.valuer, self._values[role])
        return replace(models, proposer=proposer, valuer=valuer)


def _model_in(path: Path) -> Path:
    """The folder of the model itself, where that of its run is named."""
    is_model = (path / HEAD_FILE).is_file() or (path / "config.json").is_file()
    if is_model or not (path / "config.yaml").is_file():
        return path
    return last_model(path) or path
