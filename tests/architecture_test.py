"""The rules of the design that a machine can hold: shape, layers, start-up, recipes, README."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "burnish"
SOURCES = sorted(
    path for folder in ("burnish", "tests", "benchmarks") for path in ROOT.glob(f"{folder}/**/*.py")
)
SHIPPED = [path for path in SOURCES if PACKAGE in path.parents and "_test.py" not in path.name]
RECIPES = sorted([*ROOT.glob("recipes/**/*.yaml"), *PACKAGE.glob("assets/*.yaml")])
METHODS = sorted(path.parent.name for path in PACKAGE.glob("methods/*/__init__.py"))

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
NAMES_WITHOUT_AN_IDEA = re.compile(
    r"^(utils?|common|helpers?|misc|legacy|new_.*|.*_v\d+|model\d+)$"
)
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:home|root|work|workspace|Users)/\w")
COMMENT_ON_A_FOREIGN_OBJECT = "# foreign:"
BROAD_EXCEPTS = {
    "graders/boundary.py": "Exception",  # a grader that raises is counted, and leaves the batch
    "models/foreign_files.py": "Exception",  # libraries raise anything on a damaged model
    "run/ownership.py": "BaseException",  # however a run ends, that is written down
    "sandbox/program.py": "BaseException",  # the program of a model ends in any way it likes
    "sandbox/judge/runtime.py": "BaseException",
    "sandbox/judge/candidate.py": "BaseException",
    "sandbox/judge/examiner.py": "BaseException",  # so do the tests of a data set
}
SLOW_TO_IMPORT = {"torch", "transformers", "numpy", "scipy", "matplotlib", "datasets", "sympy"}
START_UP = """
import sys
{statement}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""
HELP = """
sys.argv = ["burnish", "--help"]
from burnish.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, node: ast.expr | ast.stmt | ast.ExceptHandler) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def imported_roots(path: Path) -> set[str]:
    roots = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").partition(".")[0])
    return roots


def shipped_in(*folders: str) -> list[Path]:
    return [path for path in SHIPPED if path.relative_to(PACKAGE).parts[0] in folders]


def output_of(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so nothing says which files are tracked")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_there_is_something_to_check():
    assert len(SHIPPED) > 20
    assert METHODS
    assert shipped_in("core")
    assert shipped_in("methods")


def test_no_file_is_longer_than_its_limit():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert not {path: n for path, n in lengths.items() if n > MAX_FILE_LINES}


def test_no_function_is_longer_than_its_limit():
    too_long = [
        f"{place(path, node)} {node.name}"
        for path in SOURCES
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not too_long


def test_every_file_is_named_by_its_idea():
    names = [path for path in SOURCES if NAMES_WITHOUT_AN_IDEA.match(path.stem)]
    folders = [path for path in SOURCES if NAMES_WITHOUT_AN_IDEA.match(path.parent.name)]
    assert not names + folders


def test_every_unit_test_stands_beside_its_module():
    tests = [path for path in SOURCES if PACKAGE in path.parents and "_test.py" in path.name]
    subjects = {path: path.with_name(path.name.replace("_test.py", ".py")) for path in tests}
    assert not [path for path, subject in subjects.items() if not subject.exists()]


def test_own_objects_are_not_asked_what_they_are():
    unexplained = [
        place(path, call)
        for path in SHIPPED
        for call in calls(path, "hasattr", "getattr")
        if COMMENT_ON_A_FOREIGN_OBJECT
        not in path.read_text(encoding="utf-8").splitlines()[call.lineno - 1]
    ]
    assert not unexplained, f"only for foreign objects, with {COMMENT_ON_A_FOREIGN_OBJECT} REASON"


def test_core_has_no_any():
    anys = [
        place(path, node)
        for path in shipped_in("core")
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.Attribute) and node.attr == "Any")
    ]
    assert not anys


def test_maths_search_and_methods_write_nothing():
    quiet = shipped_in("core", "search", "methods")
    assert not [place(path, call) for path in quiet for call in calls(path, "print")]
    assert not [path for path in quiet if imported_roots(path) & {"logging", "rich", "warnings"}]


def test_broad_excepts_stand_only_at_the_boundaries():
    found = {
        path.relative_to(PACKAGE).as_posix(): handler.type.id
        for path in SHIPPED
        for handler in ast.walk(parsed(path))
        if isinstance(handler, ast.ExceptHandler)
        and isinstance(handler.type, ast.Name)
        and handler.type.id in {"Exception", "BaseException"}
    }
    assert found == BROAD_EXCEPTS


@pytest.mark.parametrize(
    "statement",
    ["import burnish", "import burnish.config", HELP],
    ids=["import burnish", "import burnish.config", "burnish --help"],
)
def test_start_up_is_light(statement: str):
    lines = output_of(sys.executable, "-c", START_UP.format(statement=statement)).splitlines()
    loaded = set(lines[-1].split())
    assert "burnish" in loaded
    assert not loaded & SLOW_TO_IMPORT


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_parses(path: Path):
    from burnish.run.recipe import load_recipe

    assert load_recipe(path, ()).description.endswith(".")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_smoke_recipe_that_names_it(method: str):
    from burnish.run.recipe import load_recipe

    recipe = load_recipe(ROOT / "recipes" / "smoke" / f"{method}.yaml", ())
    assert recipe.method.type == method


def test_imports_point_down():
    output_of(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


def test_ruff_finds_nothing():
    output_of(sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", ".")


def test_every_dependency_is_pinned_for_every_machine():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    needed = {canonicalize_name(Requirement(line).name) for line in wanted} - {"burnish"}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert not [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin)]
    assert "torch==2.13.0" in pins
    assert needed <= {pin.partition("==")[0] for pin in pins}


def test_readme_shows_the_two_commands_on_its_first_screen():
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    commands = {line.partition("#")[0].strip() for line in first_screen}
    assert {"make quickstart", "make test"} <= commands


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/guide.md"])
def test_links_of_the_pages_lead_somewhere(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [target for target in targets if target and "://" not in target]
    assert not [target for target in local if not (ROOT / page).parent.joinpath(target).exists()]


def test_no_tracked_file_names_a_path_of_somebodys_machine():
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in MACHINE_PATH.findall(text)]
    assert not found


@pytest.mark.parametrize("statement", ["path = '/home' + '/me'", "see ../work/notes"])
def test_the_search_for_machine_paths_knows_them_from_other_text(statement: str):
    assert not MACHINE_PATH.search(statement)
    assert MACHINE_PATH.search("open('/" + "home/me/file')")


def test_the_recipe_and_the_row_in_the_readme_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from burnish.run.recipe import load_recipe

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = block(readme, "json")
    (tmp_path / "recipe.yaml").write_text(block(readme, "yaml"), encoding="utf-8")
    (tmp_path / "problems.jsonl").write_text(row + row.replace("Ann", "Bob"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    task = load_recipe(tmp_path / "recipe.yaml", ()).task

    (problem,) = task.problems("train")
    assert task.prompt(problem).startswith(problem.question)
    assert task.target(problem).endswith(f"Therefore, the answer is: {problem.answer}")


def block(markdown: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", markdown, re.DOTALL)
    assert found, f"no {language} block"
    return found[1]
