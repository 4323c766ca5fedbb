"""The scripts in benchmarks/ really run, as short and small as they go, and the site reads what they write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from companion.analysis import speed
from companion.pages.speed import speeds

ROOT = Path(__file__).resolve().parent.parent


def script(name, *arguments):
    command = [sys.executable, ROOT / "benchmarks" / name, "--device", "cpu", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_throughput_measures_steps_operations_and_scoring(tmp_path):
    said = script("throughput.py", "--seconds", 0.05, "--jobs", "--batches", 8, "--architectures", "t2r",
                  "--out", tmp_path / "here.json")  # fmt: skip
    assert "steps/s" in said and "images/s" in said and "ceilings: matrix product" in said
    (read,) = speed.results(tmp_path)
    training, scoring = speed.training(read), speed.scoring(read)
    assert list(training["path"]) == ["eager", "eager, contiguous memory"] and list(scoring["batch_size"]) == [8]
    assert training["ratio_to_eager"][0] == 1 and (training["steps_per_second"] > 0).all()
    # Specification A.9: about 0.036 TFLOP for a step at 28 pixels.
    assert training["flop_per_step"][0] == pytest.approx(0.036e12, rel=0.15)
    text = speeds(tmp_path).text
    assert all(f"{rate:.2f}" in text for rate in training["steps_per_second"])
    assert "grid with a measured rate, at the best: " in text and "CIFAR-10" not in text, "32 pixels were not measured"


def test_parity_finds_no_difference_where_there_is_none(tmp_path):
    script("parity.py", "--steps", 2, "--methods", "anogan", "--out", tmp_path / "parity.json")
    (result,) = speed.results(tmp_path, "parity")
    (row,) = result["rows"]
    assert row["captured_against_written"] == row["captured_against_captured"] == 0
    assert speed.results(tmp_path) == []


def test_a_few_inputs_of_every_kind_end_well_or_in_one_line(tmp_path):
    out = tmp_path / "fuzz.json"
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/fuzz.py", "--examples", "5", "--out", out], capture_output=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'book'}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(out.read_text())["rows"]
    assert len({row["input"] for row in rows}) == 7 and all(row["inputs"] >= 5 and not row["faults"] for row in rows)
