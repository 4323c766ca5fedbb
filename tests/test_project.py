"""The repository keeps its own promises: pins agree, notebooks are stripped, the style holds, the layout is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def pins(name):
    lines = (ROOT / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def test_environment_file_has_the_pinned_requirements():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert set(pip) == pins("requirements.txt") | {"--editable ."}


def test_every_requirement_is_pinned_and_agrees_with_the_constraints():
    constraints = {line.partition("==")[0].lower(): line for line in pins("constraints.txt")}
    for requirement in pins("requirements.txt") | pins("requirements-dev.txt") | pins("requirements-workflow.txt"):
        name, exact, version = requirement.partition("==")
        assert exact and re.fullmatch(r"[0-9][0-9a-z.]*", version), requirement
        assert constraints[name.lower()].lower() == requirement.lower()


def test_pre_commit_runs_the_versions_that_the_tests_run():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    revisions = {repo["repo"].rpartition("/")[2]: repo["rev"].lstrip("v") for repo in hooks}
    pinned = dict(pin.split("==") for pin in pins("requirements-dev.txt"))
    assert revisions == {"ruff-pre-commit": pinned["ruff"], "nbstripout": pinned["nbstripout"]}


@pytest.mark.parametrize("name", ["_config.yml", "_toc.yml"])
def test_book_configuration_is_found_in_both_places(name):
    assert (ROOT / "book" / name).is_file() and not (ROOT / "book" / name).is_symlink()
    assert (ROOT / name).read_text() == (ROOT / "book" / name).read_text()


def test_code_passes_ruff():
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([BIN / "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_source_notebooks_are_stripped():
    notebooks = sorted(map(str, (ROOT / "book").glob("*.ipynb")))
    assert notebooks
    done = subprocess.run([BIN / "nbstripout", "--verify", *notebooks], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_commands_are_those_that_the_gate_runs():
    gate = (ROOT / ".ci/run").read_text()
    readme = (ROOT / "README.md").read_text()
    for command in ("make book", "make test"):
        assert re.search(rf"^{command}\b", readme, re.MULTILINE) and re.search(rf"^{command}$", gate, re.MULTILINE)


@pytest.mark.parametrize("target", ["book", "pdf", "test", "lint", "run", "sweep", "bench"])
def test_make_has_the_target(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_paper_figures_are_written_in_one_place_only():
    """The headline figure stands in adcgan/paper and nowhere else in the code or the pages."""
    for path in [*(ROOT / "adcgan").rglob("*.py"), *(ROOT / "book").glob("*.md")]:
        assert not re.search(r"\b(86\.0|93\.9|92\.3|89\.8)\b", path.read_text()), path


def test_citation_file_names_the_paper_and_the_software():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["references"][0]["title"] == "Contrastive Generative Adversarial Network for Anomaly Detection"
    import adcgan

    assert citation["version"] == adcgan.__version__


def test_committed_runs_hold_nothing_but_whole_records():
    from companion.pages.common import committed, repeated

    from adcgan.experiments.format1 import DIRECTORY, SUMS
    from adcgan.experiments.records import DIAGNOSTICS, RECORD

    runs, records = ROOT / "runs", [*committed(), *repeated()]
    known = {record.directory / name for record in records for name in (RECORD, *record.content["files"])}
    known |= {record.directory / name for record in records if record.diagnostics for name in DIAGNOSTICS}
    known |= {place / DIRECTORY / SUMS for place in (runs, *(ROOT / "repeats").iterdir())}
    command = ["git", "ls-files", "runs", "repeats"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    others = {ROOT / path for path in tracked} - known - {runs / "README.md"}
    assert {path.parent for path in others} <= {runs / "notebooks", runs / DIRECTORY / "notebooks"}, others
    assert not any(path.endswith(".safetensors") for path in tracked)
    assert {record.run for record in repeated()} <= {record.run for record in committed()}, "there are the others"
