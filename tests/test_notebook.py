"""The parameterised notebook, through the real papermill."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from adcgan import notebook
from adcgan.errors import AdcganError
from adcgan.records import read_all

ROOT = Path(__file__).resolve().parent.parent
PAPERMILL = Path(sys.executable).parent / "papermill"
TINY = "epochs=1 warm_up_epochs=1 width=0.1 batch_size=16"
DEFAULTS = {
    "method": "adcgan", "dataset": "digits", "scheme": "one-vs-all", "classes": "[0]", "seeds": "[0]", "options": "",
    "runs": "runs", "device": "auto",
}  # fmt: skip


def papermill(directory, *parameters):
    out = directory / "out.ipynb"
    given = [text for name, value in parameters for text in ("-p", name, str(value))]
    command = [PAPERMILL, "--no-progress-bar", ROOT / "book/train.ipynb", out, *given]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # such small networks only wait for a second thread
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, env=environment), out


def test_papermill_trains_then_loads_and_shows_what_was_asked(tmp_path):
    parameters = [("dataset", "digits"), ("classes", "[0]"), ("runs", tmp_path / "runs"), ("options", TINY)]
    done, out = papermill(tmp_path, *parameters)
    assert done.returncode == 0, done.stderr
    (record,) = read_all(tmp_path / "runs")
    written = (record.directory / "record.json").stat().st_mtime_ns
    outputs = [output for cell in nbformat.read(out, 4).cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 4, "losses, histograms, ROC, pictures"
    assert notebook.shows(out, 0) and not notebook.shows(out, 1)
    assert any("epoch 2/2" in output.get("text", "") for output in outputs)
    done, _ = papermill(tmp_path, *parameters)
    assert done.returncode == 0, done.stderr
    assert (record.directory / "record.json").stat().st_mtime_ns == written


def test_papermill_refuses_an_unknown_parameter_before_any_work(tmp_path):
    done, _ = papermill(tmp_path, ("datasset", "mnist"), ("runs", tmp_path / "runs"))
    assert done.returncode != 0
    assert "unknown notebook parameter 'datasset': expected one of" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": "0"}, "expected a list"),
        ({"classes": "[0"}, "expected a list"),
        ({"classes": 3}, "expected a list"),
        ({"seeds": "['a']"}, "expected whole numbers"),
        ({"scheme": "one-vs-one"}, "expected one of one-vs-all, all-vs-one"),
        ({"method": "adgcan"}, "unknown method"),
        ({"dataset": 5}, "expected text"),
        ({"options": 7}, "expected text"),
        ({"options": "epochs"}, "expected NAME=VALUE"),
    ],
)
def test_ill_typed_parameters_are_refused_in_one_line(change, message):
    with pytest.raises(AdcganError, match=message) as error:
        notebook.parameters(DEFAULTS | change, set())
    assert "\n" not in str(error.value)


def test_parameters_may_be_text_or_values():
    as_text = notebook.parameters(DEFAULTS | {"classes": "[0, 'bag']", "options": "epochs=1 rho=0"}, set())
    as_values = notebook.parameters(DEFAULTS | {"classes": [0, "bag"], "options": {"epochs": "1", "rho": "0"}}, set())
    assert as_text == as_values
    assert as_text["classes"] == [0, "bag"] and as_text["seeds"] == [0]


def test_notebook_declares_every_parameter_and_no_other():
    source = json.loads((ROOT / "book/train.ipynb").read_text())
    (cell,) = [cell for cell in source["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    declared = {}
    exec("".join(cell["source"]), declared)
    assert set(declared) - {"__builtins__"} == set(notebook.PARAMETERS)


def test_relative_paths_start_at_the_repository_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert notebook.from_root("runs") == ROOT / "runs"
    assert notebook.from_root(str(tmp_path)) == tmp_path
    given = dict(method="pca", scheme="one-vs-all", classes=[], seeds=[0], options={}, runs="runs", device="cpu")
    for dataset, expected in (("mnist", "mnist"), ("pets", str(ROOT / "pets")), (str(tmp_path), str(tmp_path))):
        names = given | {"dataset": dataset}
        assert notebook.parameters(names, set(names) - {"method"})["dataset"] == expected
