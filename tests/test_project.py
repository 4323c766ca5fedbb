"""The repository keeps its own promises: pins agree, the commands it names exist, records are whole."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from companion import readme
from companion.pages import result, why
from companion.records import load

import adcgan
from adcgan import cli
from adcgan.experiments import notebook
from adcgan.experiments.format1 import DIRECTORY, SUMS
from adcgan.experiments.records import DIAGNOSTICS, RECORD

ROOT = Path(__file__).resolve().parent.parent
TEXTS = {name: (ROOT / name).read_text() for name in ("README.md", "book/run-one-class.md", "book/own-pictures.md")}


def pins(*names):
    lines = [line for name in names for line in (ROOT / f"{name}.txt").read_text().splitlines()]
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def test_every_requirement_is_pinned_the_same_everywhere():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert set(pip) == pins("requirements-book", "requirements-torch", "requirements") | {"--editable ."}
    constraints = {line.partition("==")[0].lower(): line.lower() for line in pins("constraints")}
    every = pins("requirements-book", "requirements-torch", "requirements", "requirements-dev", "requirements-workflow")
    for requirement in every:
        assert re.fullmatch(r"[\w.-]+==[0-9][0-9a-z.]*", requirement), requirement
        assert constraints[requirement.partition("==")[0].lower()] == requirement.lower()
    assert not any(pin.startswith("torch") for pin in pins("requirements-book")), "the site does without"
    for name, asked in (("requirements", ()), ("requirements-dev", ("requirements-dev", "requirements-workflow"))):
        blocks = re.findall(
            r"^(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", (ROOT / f"{name}.lock").read_text(), re.M
        )
        locked = {pin.lower().replace("_", "-") for pin, _ in blocks}
        wanted = pins("requirements-book", "requirements", *asked) - pins("requirements-torch")
        assert (
            {pin.lower().replace("_", "-") for pin in wanted}
            <= locked
            <= {line.lower().replace("_", "-") for line in pins("constraints")}
        ), "make lock"
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    revisions = {repo["repo"].rpartition("/")[2]: repo["rev"].lstrip("v") for repo in hooks}
    pinned = dict(pin.lower().split("==") for pin in every)
    assert revisions == {"ruff-pre-commit": pinned["ruff"], "nbstripout": pinned["nbstripout"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(one for some in project["optional-dependencies"].values() for one in some)]
    for requirement in asked:  # the pins meet what the package asks for
        name, least = re.match(r"([\w.-]+)>=([\d.]+)", requirement).groups()
        version = [int(part) for part in re.findall(r"\d+", pinned[name.lower()])]
        assert version >= [int(part) for part in least.split(".")], requirement


@pytest.mark.parametrize("name", ["_config.yml", "_toc.yml"])
def test_book_configuration_is_found_in_both_places(name):
    assert (ROOT / "book" / name).is_file() and not (ROOT / "book" / name).is_symlink()
    assert (ROOT / name).read_text() == (ROOT / "book" / name).read_text()


def commands(program):
    """The words of every command of a program that the texts give, in blocks or in a line."""
    for text in TEXTS.values():
        blocks = re.findall(r"```shell\n(.*?)```", text, re.DOTALL) + re.findall("`([^`\n]+)`", text)
        lines = "\n".join(blocks).replace("\\\n", "")
        for found in re.findall(rf"(?:^|[ /])({program} .*)$", lines, re.MULTILINE):
            yield shlex.split(found, comments=True)


def test_the_commands_that_the_texts_give_are_there():
    targets = {words[1] for words in commands("make")} | {"pdf", "lint", "run", "sweep", "bench"}
    assert {"book", "test", "grid"} <= targets
    done = subprocess.run(["make", "--dry-run", *sorted(targets)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    given = [words[1:] for words in commands("adcgan") if len(words) > 1]
    assert len(given) > 5
    for words in given:
        if words[0] != "diagnose":  # of a run by name
            cli._parser().parse_args(words)
    parameters = {
        name for words in commands("papermill") for flag, name in zip(words, words[1:], strict=False) if flag == "-p"
    }
    own = {"folder", "model"}  # of book/own-pictures.ipynb
    assert {"dataset", "classes", "scale", "runs"} | own <= parameters <= set(notebook.PARAMETERS) | own
    for words in commands("python"):
        assert words[1].startswith("-") or (ROOT / words[1]).is_file(), words


def test_make_run_keeps_spaces_and_quotes_in_names(tmp_path):
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/papermill").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    for name in ("bin/papermill", "bin/python", "book.stamp"):
        (tmp_path / "venv" / name).touch()
        (tmp_path / "venv" / name).chmod(0o755)
    pics = """my "dog's"  pics"""
    named = {"VENV": f"{tmp_path}/venv", "DATASET": f"far/{pics}", "RUNS": "~/my runs", "CLASSES": '["dog\'s"]'}
    done = subprocess.run(
        ["make", "--silent", "run", *(f"{name}={value}" for name, value in named.items())],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    given = {words[n + 1]: words[n + 2] for n, word in enumerate(words) if word == "-r"}
    runs = tmp_path / "my runs"
    assert (given["dataset"], given["runs"], given["classes"]) == (named["DATASET"], str(runs), named["CLASSES"])
    assert f"{runs}/notebooks/adcgan-{pics}-one-vs-all.ipynb" in words
    assert {path.name for path in tmp_path.iterdir()} == {"venv", "my runs"}


def test_citation_file_and_licence_name_the_paper_and_the_software():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["references"][0]["title"] == "Contrastive Generative Adversarial Network for Anomaly Detection"
    assert citation["version"] == citation["preferred-citation"]["version"] == adcgan.__version__
    assert citation["license"] == "MIT" and (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_committed_runs_hold_nothing_but_whole_records_and_the_readme_has_their_figures():
    """The one test that reads every record; `adcgan check` computes their AUROCs again."""
    runs, records = ROOT / "runs", load(ROOT / "runs")
    known = {record.directory / name for record in records for name in (RECORD, *record.content["files"])}
    known |= {record.directory / name for record in records if record.diagnostics for name in DIAGNOSTICS}
    tracked = subprocess.run(["git", "ls-files", "runs"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    others = {ROOT / path for path in tracked} - known - {runs / "README.md", runs / DIRECTORY / SUMS}
    assert {path.parent for path in others} <= {runs / "notebooks", runs / DIRECTORY / "notebooks"}, others
    assert not any(path.endswith(".safetensors") for path in tracked)
    text, tracked = TEXTS["README.md"], {ROOT / path for path in tracked}
    values = result.values([record for record in records if record.directory / RECORD in tracked])
    assert readme.updated(text, values) == text, "run python -m companion.readme"
    assert not result.checks(records) and not why.checks(records), "what the pages say in words holds"
    assert readme.updated("a <!--x-->1.0<!--/--> b", {"x": "2.0"}) == "a <!--x-->2.0<!--/--> b"


def test_the_pdf_needs_a_built_book_and_keeps_links_to_the_web_alone(tmp_path):
    from pypdf import PdfWriter
    from pypdf.annotations import Link

    (tmp_path / "book").mkdir()
    for name in ("pdf.py", "_toc.yml"):
        shutil.copy(ROOT / "book" / name, tmp_path / "book")
    done = subprocess.run([sys.executable, tmp_path / "book/pdf.py"], capture_output=True, text=True)
    assert done.returncode == 1 and "build the book first" in done.stderr
    spec = importlib.util.spec_from_file_location("pdf", ROOT / "book/pdf.py")
    spec.loader.exec_module(pdf := importlib.util.module_from_spec(spec))
    joined = PdfWriter()
    joined.add_blank_page(100, 100)
    for url in ("file:///somewhere/table1.html", "https://example.org/"):
        joined.add_annotation(0, Link(rect=(0, 0, 50, 50), url=url))
    pdf.drop_file_links(joined)
    (kept,) = joined.pages[0]["/Annots"]
    assert kept.get_object()["/A"]["/URI"] == "https://example.org/"


def test_the_model_that_comes_along_scores_the_pictures_beside_it(capsys):
    """A new clone can try score, report and export at once."""
    model = ROOT / "examples/sneakers.safetensors"
    assert model.stat().st_size < 3_000_000
    assert cli.main(["score", str(model), str(ROOT / "examples/pictures")]) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]
    called = {kind: [row[3] for row in rows if f"/{kind}-" in row[0]] for kind in ("sneaker", "bag", "trouser")}
    assert called["sneaker"].count("no") >= 10 and called["bag"].count("yes") >= 2
