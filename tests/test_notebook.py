"""The parameterised notebook, through the real papermill."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from PIL import Image
from small import refusal

from adcgan.config import configure
from adcgan.errors import AdcganError
from adcgan.experiments import notebook
from adcgan.experiments.records import RECORD, Run, read_all

ROOT = Path(__file__).resolve().parent.parent
PAPERMILL = Path(sys.executable).parent / "papermill"
TINY = "epochs=1 warm_up_epochs=0 width=0.1 batch_size=16"
CELLS = ["", "# Parameters\nmethod = 'adcgan'", "given = parameters(globals())"]  # as IPython has them in In
DEFAULTS = {
    "method": "adcgan", "recipe": "", "scale": "", "dataset": "digits", "scheme": "one-vs-all", "classes": "[0]",
    "seeds": "[0]", "options": "", "runs": "runs", "device": "auto",
    "In": CELLS,
}  # fmt: skip


def test_papermill_trains_and_shows_what_was_asked_and_refuses_an_unknown_parameter_before_any_work(tmp_path):
    out = tmp_path / "out.ipynb"

    def papermill(**parameters):
        given = [text for name, value in parameters.items() for text in ("-p", name, str(value))]
        command = [PAPERMILL, "--no-progress-bar", ROOT / "book/train.ipynb", out, *given]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}  # such small networks only wait for a second thread
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)

    runs = tmp_path / "runs"
    done = papermill(datasset="mnist", runs=runs)
    assert done.returncode != 0 and "unknown notebook parameter 'datasset': expected one of" in done.stderr
    assert not runs.exists()
    done = papermill(dataset="digits", classes="[0]", recipe="script", runs=runs, options=TINY)
    assert done.returncode == 0, done.stderr
    (record,) = read_all(runs)
    assert (record.run.recipe, record.run.scale) == ("script", "laptop")
    outputs = [output for cell in nbformat.read(out, 4).cells for output in cell.get("outputs", [])]
    shown = [output.get("data", {}) for output in outputs]
    assert sum("image/png" in data for data in shown) == 2, "scores by class, pictures"
    assert sum("<svg" in data.get("text/html", "") for data in shown) == 2, "losses, ROC curves"
    assert any("epoch 1/1" in output.get("text", "") for output in outputs)
    assert notebook.shows(out, 0) and not notebook.shows(out, 1)
    assert out.stat().st_size < 200_000, "executed notebooks are kept"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("classes", "0", "expected a list"), ("classes", "[0", "expected a list"), ("classes", 3, "expected a list"),
     ("seeds", "['a']", "expected whole numbers"), ("scheme", "one-vs-one", "expected one of one-vs-all, all-vs-one"),
     ("classes", "{[]: 1}", "expected a list"), ("classes", "[" * 300, "expected a list"),
     ("classes", f"[0x{'f' * 5000}]", "small whole numbers"), ("seeds", "[[0]]", "seeds holds a list"),
     ("options", {1: 2}, "1 is no option"), ("options", "scale=paper", "given beside the options"),
     ("method", "adgcan", "unknown method"), ("dataset", 5, "expected text"), ("options", 7, "expected text"),
     ("options", "epochs", "expected NAME=VALUE"), ("recipe", None, "recipe is None: expected text"),
     ("recipe", "scripted", "unknown recipe 'scripted': expected one of printed, script"),
     ("scale", "huge", "unknown scale 'huge': expected one of paper, laptop")],
)  # fmt: skip
def test_ill_typed_parameters_are_refused_in_one_line(name, value, message):
    with pytest.raises(AdcganError, match=message) as error:
        notebook.parameters(DEFAULTS | {name: value})
    assert "\n" not in str(error.value)


def test_parameters_may_be_text_or_values():
    as_text = notebook.parameters(DEFAULTS | {"classes": "[0, 'bag']", "options": "epochs=1 rho=0"})
    as_values = notebook.parameters(DEFAULTS | {"classes": [0, "bag"], "options": {"epochs": "1", "rho": "0"}})
    assert as_text == as_values
    assert as_text["classes"] == [0, "bag"] and as_text["seeds"] == [0]


def test_notebook_declares_every_parameter_and_no_other():
    source = json.loads((ROOT / "book/train.ipynb").read_text())
    (cell,) = [cell for cell in source["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    declared = {}
    exec("".join(cell["source"]), declared)
    assert set(declared) - {"__builtins__"} == set(notebook.PARAMETERS)
    assert "".join(cell["source"]).startswith(notebook.HEAD + "\n"), "by which a name that is none is found"


def test_parameters_are_what_their_cell_defines_however_often_it_is_run():
    rerun = [*CELLS, "from IPython.display import Image", *CELLS[1:]]
    later = DEFAULTS | {
        "Image": object,
        "run": {},
        "columns": [],
        "In": rerun,
    }  # the notebook's own, from the first time
    assert notebook.parameters(later) == notebook.parameters(DEFAULTS)
    assert notebook.parameters(later | {"In": [*rerun, "columns = []", CELLS[-1]]}), "this cell alone is run again"
    mistyped = [*CELLS[:2], "# Parameters\ndatasset = 'mnist'", CELLS[-1]]  # what papermill adds
    assert "unknown notebook parameter 'datasset'" in refusal(notebook.parameters, DEFAULTS | {"In": mistyped})


def test_relative_paths_start_where_the_user_works_and_within_a_checkout_at_its_root(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for here, start in ((tmp_path, tmp_path), (ROOT, ROOT), (ROOT / "book", ROOT)):
        monkeypatch.chdir(here)
        assert notebook.located("runs") == start / "runs" and notebook.located(str(tmp_path)) == tmp_path
        assert notebook.located("~/runs") == tmp_path / "runs"
        for dataset, expected in (("mnist", "mnist"), ("pets", str(start / "pets")), (str(tmp_path), str(tmp_path))):
            assert notebook.parameters(DEFAULTS | {"dataset": dataset})["dataset"] == expected


@pytest.fixture
def papermill_module(monkeypatch):
    """A papermill that only writes down what it is given, and fails where it is told to."""
    calls = []

    def execute_notebook(source, target, given, **_):
        calls.append((target, given))
        target.write_text("partial")
        if "fails" in calls:
            raise RuntimeError("many lines\nthe last one")

    monkeypatch.setitem(sys.modules, "papermill", SimpleNamespace(execute_notebook=execute_notebook))
    return calls


def finish(runs, *some):
    for run in some:
        run.directory(runs).mkdir(parents=True, exist_ok=True)
        (run.directory(runs) / RECORD).touch()


def test_a_notebook_is_left_for_seed_0_of_the_tables_runs_alone(papermill_module, small_config, tmp_path):
    small = small_config()
    config = configure("adcgan", "one-vs-all", 28, 1, recipe="script", scale="laptop")
    some = [Run("adcgan", "mnist", "one-vs-all", n, s, config, "script", "laptop") for s in (0, 1) for n in (3, 5)]
    ablation = Run("adcgan", "mnist", "one-vs-all", 0, 0, small, "printed", "paper")
    finish(tmp_path, ablation, *some)
    assert notebook.leave(some[2], some, tmp_path) and notebook.leave(ablation, some, tmp_path)
    assert papermill_module == [] and not (tmp_path / "notebooks").exists()
    assert notebook.leave(some[0], some, tmp_path)
    ((_, given),) = papermill_module
    assert set(given) == set(notebook.PARAMETERS) - {"options"}
    assert (given["recipe"], given["scale"], given["classes"], given["seeds"]) == ("script", "laptop", "[3, 5]", "[0]")
    (left,) = (tmp_path / "notebooks").glob("*.*nb*")
    assert left.name == "adcgan-script-laptop-mnist-one-vs-all.ipynb"


def test_a_notebook_that_a_killed_sweep_was_to_leave_is_left_by_the_next_and_only_once(papermill_module, tmp_path):
    config = configure("pca", "one-vs-all", 28, 1)
    some = [Run("pca", "digits", "one-vs-all", n, s, config) for s in (0, 1) for n in (3, 5)]
    assert notebook.missing(some, tmp_path) == []
    finish(tmp_path, *some)
    assert notebook.missing(some, tmp_path) == [some[1]]
    assert notebook.leave(some[1], some, tmp_path) and notebook.missing(some, tmp_path) == []
    assert notebook.leave(some[0], some, tmp_path) and len(papermill_module) == 1, "as a sweep beside it would"
    finish(tmp_path, some[0])
    assert notebook.leave(some[0], some, tmp_path) and len(papermill_module) == 2, "a record since then"


def test_a_notebook_that_fails_is_said_and_left_out(papermill_module, tmp_path, capsys):
    papermill_module.append("fails")
    one = Run("pca", "digits", "one-vs-all", 0, 0, configure("pca", "one-vs-all", 28, 1))
    finish(tmp_path, one)
    path = tmp_path / "notebooks/pca-digits-one-vs-all.ipynb"
    assert not notebook.leave(one, [one], tmp_path)
    assert f"no notebook {path}: the last one" in capsys.readouterr().err
    assert not list(path.parent.glob("*nb*"))
    path.parent.rename(tmp_path / "aside")
    path.parent.touch()  # in the way
    assert not notebook.leave(one, [one], tmp_path)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"adcgan: no notebook {path}: ") and "File exists" in line


# --- own pictures ----------------------------------------------------------------------------------------------


def test_the_notebook_for_own_pictures_learns_scores_and_shows_on_pictures_that_are_drawn_here(tmp_path):
    random = np.random.default_rng(0)
    for place, count, colour in (("train/good", 42, 60), ("test/good", 4, 60), ("test/bright", 4, 250)):
        (tmp_path / "pictures" / place).mkdir(parents=True)
        for number in range(count):
            noisy = random.integers(colour - 9, min(colour + 9, 256), (28, 28), np.uint8)
            Image.fromarray(noisy).save(tmp_path / "pictures" / place / f"<{number}>.png")
    given = dict(
        folder="~/pictures", model="model.safetensors", options="epochs=1 warm_up_epochs=0 width=0.1 epoch_images=64"
    )
    flags = [text for name, value in given.items() for text in ("-p", name, value)]
    done = subprocess.run(
        [PAPERMILL, "--no-progress-bar", ROOT / "book/own-pictures.ipynb", "out.ipynb", *flags],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outputs = [output for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    assert "42 normal pictures of good" in text and "epoch 1/1" in text and "  pca: 100.0" in text
    assert any("<iframe srcdoc=" in output.get("data", {}).get("text/html", "") for output in outputs)
    assert len((tmp_path / "model.csv").read_text().splitlines()) == 9
    assert {path.name for path in tmp_path.iterdir()} >= {"model.safetensors", "model.html"}
