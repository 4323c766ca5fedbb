"""What the benchmark measured, read back, and the grid's hours from it; and the benchmark itself, briefly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from companion.analysis import speed
from companion.pages import machine_pages

from adcgan.errors import AdcganError
from adcgan.experiments import grid, records

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The real benchmark, as short and small as it goes."""
    out = tmp_path_factory.mktemp("bench") / "benchmarks" / "results" / "here.json"
    command = [sys.executable, ROOT / "benchmarks/throughput.py", "--device", "cpu", "--seconds", "0.05", "--jobs",
               "--batches", "8", "--architectures", "t2r", "--out", out]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    assert "steps/s" in done.stdout and "images/s" in done.stdout and "ceilings: matrix product" in done.stdout
    return out


def test_the_benchmark_measures_steps_operations_and_scoring(result):
    (read,) = speed.results(result.parent)
    training, scoring = speed.training(read), speed.scoring(read)
    assert list(training["path"]) == ["eager", "eager, contiguous memory"] and list(scoring["batch_size"]) == [8]
    assert training["ratio_to_eager"][0] == 1 and (training["steps_per_second"] > 0).all()
    # Specification A.9: about 0.036 TFLOP for a step at 28 pixels.
    assert training["flop_per_step"][0] == pytest.approx(0.036e12, rel=0.15)
    assert read["device"]["type"] == "cpu" and read["ceilings"]["matmul_tflops"] > 0


def test_the_page_shows_every_measurement(result, monkeypatch):
    monkeypatch.setattr(machine_pages, "ROOT", result.parents[2])
    (read,) = speed.results(result.parent)
    text = machine_pages.speeds().text
    for rate in speed.training(read)["steps_per_second"]:
        assert f"{rate:.2f}" in text
    assert "grid with a measured rate, at the best: " in text and "CIFAR-10" not in text  # 32 pixels were not measured


def test_the_projection_counts_the_grids_steps_at_the_best_rate(result):
    read = json.loads(result.read_text())
    frame = speed.projection(read).set_index(["dataset", "scheme"])
    fashion = frame.loc[("fashion_mnist", "one-vs-all")]
    assert (fashion["cells"], fashion["steps"]) == (30, 30 * 20 * 187)
    assert frame.loc[("mnist", "all-vs-one"), "steps"] == 30 * 50 * (54000 // 32)
    best = max(row["steps_per_second"] for row in read["rows"] if row["path"] != "scoring")
    assert fashion["hours"] == pytest.approx(fashion["steps"] / best / 3600)
    whole = grid.planned(methods=["adcgan"], recipes=["printed"], scales=["paper"])
    assert frame["cells"].sum() == len(whole) == 186


def test_adgans_steps_do_not_depend_on_the_data():
    steps = {(cell.scale, grid.steps(cell)) for cell in grid.planned(methods=["adgan"], seeds=[0], classes=["0"])}
    assert steps == {("paper", 10_000), ("laptop", 1500)}


def test_a_file_that_is_no_result_is_named(tmp_path):
    assert speed.results(tmp_path) == []
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(AdcganError, match="x.json is no result of benchmarks/"):
        speed.results(tmp_path)


# --- what is asked of a GPU ---------------------------------------------------------------------------------


def script(name, *arguments):
    """Run a script of benchmarks/ on this CPU, where captured and as written are the same."""
    command = [sys.executable, ROOT / "benchmarks" / name, "--device", "cpu", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_parity_finds_no_difference_where_there_is_none(tmp_path):
    done = script("parity.py", "--steps", 2, "--methods", "anogan", "--out", tmp_path / "parity.json")
    assert done.returncode == 0, done.stderr
    (result,) = speed.results(tmp_path, "parity")
    (row,) = result["rows"]
    assert row["captured_against_written"] == row["captured_against_captured"] == 0
    assert speed.results(tmp_path) == []


def test_agreement_trains_every_cell_each_way_and_compares_their_aurocs(tmp_path):
    small = "epochs=1 warm_up_epochs=0 width=0.05 test_images=60"
    done = script(
        "agreement.py", "--dataset", "digits", "--classes", 3, "--seeds", 0, 1, "--options", small,
        "--processes", 2, "--jobs", 1, "--runs", tmp_path / "runs", "--out", tmp_path / "agreement.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (result,) = speed.results(tmp_path, "agreement")
    assert [(row["label"], row["seed"]) for row in result["rows"]] == [(3, 0), (3, 1)]
    assert all(row["as_written"] == row["captured"] for row in result["rows"])
    assert result["inside"] == 1 and result["alone_against_beside"] == 0
    counts = {path.name: len(records.read_all(path)) for path in (tmp_path / "runs").iterdir()}
    assert counts == {"as-written": 2, "captured": 2, "captured-alone": 1}


@pytest.fixture
def kept(tmp_path):
    """A directory of results with figures made up for these tests, of a GPU that meets some of what is asked."""

    def row(size, ratio, share=0.1, architecture="t2r", path="captured", method="adcgan"):
        return {"method": method, "image_size": size, "architecture": architecture, "path": path,
                "ratio_to_eager": ratio, "share_of_matmul": share}  # fmt: skip

    def scored(batch_size, images):
        return {"method": "adcgan", "image_size": 28, "architecture": "t2r", "path": "scoring",
                "batch_size": batch_size, "images_per_second": images}  # fmt: skip

    def parity(value, **other):
        return {"method": "adcgan", "captured_against_written": value, "tf32": False} | other

    gpu = {"type": "cuda", "name": "a GPU"}
    others = [row(28, 99.0, architecture="t2p"), row(28, 98.0, method="alad", architecture=None)]
    rows = [row(28, 12.0), row(28, 4.0), row(32, 2.5, 0.4), row(32, 1.0, 0.2), *others]
    rows += [scored(1, 10.0), scored(256, 700.0), scored(8, 90.0)]
    several = {
        "a": {"kind": "throughput", "device": gpu, "rows": rows},
        "b": {"device": {"type": "cpu", "name": "a CPU"}, "rows": [scored(256, 1000.0)]},  # not one by one: no gain
        "c": {"kind": "parity", "device": gpu, "rows": [parity(0.002), parity(1.0, tf32=True), parity(5, method="x")]},
    }
    for name, result in several.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    return tmp_path


def test_targets_are_met_missed_or_not_measured(kept, monkeypatch):
    frame = speed.targets(kept).set_index(["asked", "device"])
    measured = {
        "28 pixels, times the step as written": (12.0, "yes"),
        "32 pixels, times the step as written": (2.5, "no"),
        "64 pixels, times the step as written": (None, "not measured"),
        "32 pixels, percent of the measured matrix product": (40.0, "yes"),
        "losses, captured against as written, relative": (0.002, "no"),
        "share of classes with AUROC in the seeds' range": (None, "not measured"),
        "scoring in batches, times one by one": (70.0, "yes"),
    }
    for asked, (value, met) in measured.items():
        row = frame.loc[(asked, "cuda")]
        assert (row["met"], row["on"]) == (met, "a GPU" if value else "")
        assert row["measured"] == pytest.approx(value) if value else row["measured"] != row["measured"]
    assert frame.loc[("scoring in batches, times one by one", "cpu"), "met"] == "not measured"
    monkeypatch.setattr(machine_pages, "ROOT", kept.parent / "nothing")
    assert machine_pages.targets().text.count("not measured") == len(speed.TARGETS)
