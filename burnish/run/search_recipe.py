"""What `burnish search` needs to know: a recipe without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from pydantic import Field, model_validator

from burnish.config import Config, load_tree, with_overrides
from burnish.data.tasks import TaskConfig
from burnish.errors import ConfigError
from burnish.graders.config import GraderConfig, default_grader_config
from burnish.graders.failures import DEFAULT_MAX_SHARE
from burnish.models.config import ModelConfig
from burnish.sandbox.pool import configure
from burnish.sandbox.settings import SandboxConfig
from burnish.search.beam import BeamConfig
from burnish.search.best_of_n import BestOfNConfig, SelfConsistencyConfig, WeightedVoteConfig
from burnish.search.depth_first import DepthFirstConfig
from burnish.search.mcts import MctsConfig
from burnish.search.search import AnyStrategy
from burnish.training.first_test_valuer import FirstTestConfig
from burnish.training.tree_search import TreeSearchConfig
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench
from burnish.types import Json

SearchMethod: TypeAlias = Literal[
    "mcts", "beam", "dfs", "greedy", "vote", "bon", "orm", "weighted_vote"
]
SEARCH_METHODS: tuple[SearchMethod, ...] = get_args(SearchMethod)
_SAMPLING = ("bon", "orm", "weighted_vote", "vote")
_NUM_SAMPLES = 4096
_PER_ROUND = 1
_PLAIN: dict[str, Json] = {"trim_vocabulary": False, "lora": None, "quantize": None}


class SearchRecipe(Config):
    """One search of some problems, by one method or several."""

    seed: int = 42
    """The only source of randomness."""
    model: ModelConfig
    """The policy that proposes steps."""
    task: TaskConfig
    """The problems, and the template of their prompts."""
    grader: GraderConfig | None = None
    """What compares answers; default: the one that fits the task."""
    max_grader_failures: float = Field(default=DEFAULT_MAX_SHARE, ge=0, le=1)
    """Share of the solutions that may fail to be graded."""
    lengths: LengthConfig = LengthConfig()
    """Limits in tokens."""
    compute: ComputeConfig = ComputeConfig()
    """Device and batches."""
    sandbox: SandboxConfig = SandboxConfig()
    """How programs that the model wrote are contained."""
    search: TreeSearchConfig = TreeSearchConfig()
    """How steps are sampled."""
    end_markers: tuple[str, ...] = ()
    """Texts that finish a whole solution when a step contains one, for models that do not end it
    themselves (MBPP: [DONE]); mcts, beam and dfs have settings of their own for it."""
    mcts: MctsConfig = MctsConfig()
    """Settings of `--method mcts`."""
    beam: BeamConfig = BeamConfig()
    """Settings of `--method beam`: Tree of Thoughts, breadth first."""
    dfs: DepthFirstConfig = DepthFirstConfig()
    """Settings of `--method dfs`: Tree of Thoughts, depth first."""
    bon: BestOfNConfig = BestOfNConfig(num_samples=_NUM_SAMPLES, samples_per_round=_PER_ROUND)
    """Settings of `--method bon`: best-of-n by the value model; n is so large that the budget ends
    it, which is looked at after each sample."""
    orm: BestOfNConfig = BestOfNConfig(num_samples=_NUM_SAMPLES, samples_per_round=_PER_ROUND)
    """Settings of `--method orm`: best-of-n by the outcome model; as above."""
    weighted_vote: WeightedVoteConfig = WeightedVoteConfig(
        num_samples=_NUM_SAMPLES, samples_per_round=_PER_ROUND
    )
    """Settings of `--method weighted_vote`: the vote weighted by values; as above."""
    vote: SelfConsistencyConfig = SelfConsistencyConfig(
        num_samples=_NUM_SAMPLES, samples_per_round=_PER_ROUND
    )
    """Settings of `--method vote`: self-consistency; as above."""
    first_test: FirstTestConfig = FirstTestConfig()
    """Settings of `--value first_test`."""

    @model_validator(mode="before")
    @classmethod
    def _budgets_end_samples(cls, tree: dict[str, Json]) -> dict[str, Json]:
        """Where one setting of a section is given, the others are still those from above."""
        ended: dict[str, Json] = {"num_samples": _NUM_SAMPLES, "samples_per_round": _PER_ROUND}
        filled: dict[str, Json] = {
            name: {**ended, **section} if isinstance(section, dict) else section
            for name, section in tree.items()
            if name in _SAMPLING
        }
        return {**tree, **filled}

    def strategy(self, method: SearchMethod) -> AnyStrategy:
        """The settings of a method; greedy is one sample."""
        strategies: dict[SearchMethod, AnyStrategy] = {
            "mcts": self.mcts,
            "beam": self.beam,
            "dfs": self.dfs,
            "greedy": SelfConsistencyConfig(num_samples=1),
            "vote": self.vote,
            "bon": self.bon,
            "orm": self.orm,
            "weighted_vote": self.weighted_vote,
        }
        return strategies[method]

    def workbench(self) -> Workbench:
        """Models, task and grader; from now on this process uses `self.sandbox`."""
        configure(self.sandbox)
        grader = self.grader or default_grader_config(self.task.answer_kind)
        return Workbench(
            model=self.model,
            task=self.task,
            grader=grader.build(),
            lengths=self.lengths,
            compute=self.compute,
            seed=self.seed,
            max_grader_failures=self.max_grader_failures,
        )


def search_method(name: str) -> SearchMethod:
    """The method of that name. Raises ConfigError."""
    if name not in SEARCH_METHODS:
        raise ConfigError(f"--method {name}: there is no such search; use {SEARCH_METHODS}")
    return SEARCH_METHODS[SEARCH_METHODS.index(name)]


def search_recipe(model: str, source: str | Path, overrides: Sequence[str]) -> SearchRecipe:
    """Settings for a model: those of `source`, then the overrides.

    Args:
        source: the type of a task, or the path of a recipe or of a run's folder, of which task,
            grader, limits and compute are taken, and what a step is where its method says so.

    Raises ConfigError.
    """
    path = Path(source)
    if path.is_dir():
        path /= "config.yaml"
    is_file = path.suffix in (".yaml", ".yml")
    named: dict[str, Json] = {"task": {"type": str(source)}}
    tree = _of_recipe(load_tree(path)) if is_file else named
    before = tree.get("model")
    tree["model"] = {**(before if isinstance(before, dict) else {}), **_PLAIN, "name": model}
    return SearchRecipe.from_tree(with_overrides(tree, overrides), source="burnish search")


def _of_recipe(tree: dict[str, Json]) -> dict[str, Json]:
    kept = {key: value for key, value in tree.items() if key in SearchRecipe.model_fields}
    method = tree.get("method")
    if isinstance(method, dict) and "search" not in kept:
        kept |= {"search": method["search"]} if "search" in method else {}
        kept |= {"search": {"steps": method["steps"]}} if "steps" in method else {}
    return kept
