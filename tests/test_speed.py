"""What the benchmark measured, read back, and the grid's hours from it; and the benchmark itself, briefly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adcgan import machine_pages, pages, plan, speed
from adcgan.errors import AdcganError

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
    monkeypatch.setattr(pages, "ROOT", result.parents[2])
    (read,) = speed.results(result.parent)
    text = machine_pages.speeds().text
    for rate in speed.training(read)["steps_per_second"]:
        assert f"{rate:.2f}" in text
    assert "hours of training at most" in text and "CIFAR-10" not in text  # 32 pixels were not measured


def test_the_projection_counts_the_grids_steps_at_the_best_rate(result):
    read = json.loads(result.read_text())
    frame = speed.projection(read).set_index(["dataset", "scheme"])
    fashion = frame.loc[("fashion_mnist", "one-vs-all")]
    assert (fashion["cells"], fashion["steps"]) == (30, 30 * 20 * 187)
    assert frame.loc[("mnist", "all-vs-one"), "steps"] == 30 * 50 * (54000 // 32)
    best = max(row["steps_per_second"] for row in read["rows"] if row["path"] != "scoring")
    assert fashion["hours"] == pytest.approx(fashion["steps"] / best / 3600)
    assert frame["cells"].sum() == sum(cell.method == "adcgan" for cell in plan.cells())


def test_adgans_steps_do_not_depend_on_the_data():
    cells = plan.cells(methods=["adgan"], seeds=[0], classes=["0"])
    assert {speed.steps(cell) for cell in cells} == {10_000}


def test_a_file_that_is_no_result_is_named(tmp_path):
    assert speed.results(tmp_path) == []
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(AdcganError, match="x.json is no result of benchmarks/throughput.py"):
        speed.results(tmp_path)
