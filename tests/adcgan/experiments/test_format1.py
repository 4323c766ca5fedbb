"""Committed records: read and verified, format 1 refused where a digit was changed, and not trained again."""

import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest
from small import refusal

from adcgan.config import configure
from adcgan.experiments import format1, records
from adcgan.experiments.records import RECORD, Run
from adcgan.experiments.verify import verify

ROOT = Path(__file__).resolve().parents[3]
RUNS = ROOT / "runs"


def test_every_committed_record_reads_and_verifies_and_format_1_is_listed(monkeypatch):
    assert hashlib.sha256((RUNS / "format-1/SHA256SUMS").read_bytes()).hexdigest() == format1.CHECKED
    monkeypatch.setattr(format1, "CHECKED", "")  # so that the form of each is checked here
    kept = records.read_all(RUNS)
    for record in kept:
        verify(record)
    old = [record for record in kept if record.former is not None]
    listed = [line.split()[1] for line in (RUNS / "format-1/SHA256SUMS").read_text().splitlines()]
    assert sorted(listed) == sorted(str((r.directory / RECORD).relative_to(RUNS / "format-1")) for r in old)
    assert old and all(record.run.changes for record in old if record.run.method == "adcgan"), "ablations of printed"
    repeats = [record for record in old if record.run.repeat]
    assert repeats and all(f"-repeat-{r.run.repeat}" in r.directory.name for r in repeats)


@pytest.fixture
def first_format(tmp_path):
    """A committed record of format 1 in a directory of runs of its own."""
    name = "adcgan/digits/one-vs-all/class-0/seed-0"
    shutil.copytree(RUNS / "format-1" / name, tmp_path / "format-1" / name)
    shutil.copy(RUNS / "format-1/SHA256SUMS", tmp_path / "format-1")
    return tmp_path / "format-1" / name / RECORD


def test_a_record_of_format_1_with_a_changed_digit_or_without_its_list_is_refused(first_format):
    runs, text = first_format.parents[6], first_format.read_text()
    places = [n for n, letter in enumerate(text) if letter.isdigit()]
    for place in random.Random(0).sample(places, 20):
        digit = "7" if text[place] != "7" else "3"
        first_format.write_text(text[:place] + digit + text[place + 1 :])
        assert "it was edited, or moved" in refusal(records.read, first_format, runs)
    first_format.write_text(text)
    record = records.read(first_format, runs)
    assert record.variants["score"] == pytest.approx(record.auroc, abs=1e-3) and {
        "stale noise, NS",
        "null, score, NS",
    } <= set(record.draws)
    assert record.one_image and record.per_epoch == []
    for listed in (b"no-hash\n", b"\xff\n"):
        (runs / "format-1/SHA256SUMS").write_bytes(listed)
        assert "a hash and a name each): it lists the records" in refusal(records.read, first_format, runs)
    (runs / "format-1/SHA256SUMS").unlink()
    assert "it lists the records of format 1" in refusal(records.read, first_format, runs)


@pytest.mark.parametrize("changed", [{"image_size": []}, {"scale": "laptop"}, {"rho": [[0.5]]}])
def test_a_record_of_format_1_that_is_listed_and_holds_no_configuration_is_refused(first_format, changed):
    runs, content = first_format.parents[6], json.loads(first_format.read_text())
    content["config"] |= changed
    data = json.dumps(content).encode()
    first_format.write_bytes(data)
    name = first_format.relative_to(runs / "format-1")
    (runs / "format-1/SHA256SUMS").write_text(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
    assert str(first_format) in refusal(records.read, first_format, runs)


def test_a_run_that_format_1_recorded_is_found_and_not_trained_again():
    place = ("mnist", "one-vs-all", 3, 0)
    assert records.find(Run("knn", *place, configure("knn", "one-vs-all", 28, 1)), RUNS).former == {}
    old = configure("adcgan", "one-vs-all", 28, 1, **format1.defaults("adcgan", "one-vs-all", 28))
    assert records.find(Run("adcgan", *place, old, "printed", "paper"), RUNS).former == {}
