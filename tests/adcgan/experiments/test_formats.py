"""Records of both formats and stored models: read back whole, refused where anything in them was changed."""

import json
import random
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save_file
from small import refusal

from adcgan.cli import main
from adcgan.config import configure
from adcgan.experiments import format1, model_file, records, run
from adcgan.experiments.records import MODEL, RECORD

ROOT = Path(__file__).resolve().parent.parent
SMALL = dict(width=0.1, batch_size=16, warm_up_epochs=1, epochs=2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, digits):
    """A run of recipe printed, diagnosed, and one of recipe script, in one directory of runs."""
    runs = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ADCGAN_DATA", raising=False)
        for recipe in ("printed", "script"):
            _, (cell,) = run.requested("adcgan", "digits", "one-vs-all", [0], [0], SMALL, recipe=recipe)
            record = run.execute(cell, digits, runs, "cpu")
            if recipe == "printed":
                assert run.diagnose(record, "cpu", dataset=digits)
    return runs


@pytest.fixture
def copied(runs, tmp_path):
    """The same runs, to be damaged."""
    return Path(shutil.copytree(runs, tmp_path / "runs"))


def path_of(runs, recipe="printed"):
    (path,) = runs.glob(f"paper/adcgan-{recipe}/**/{RECORD}")
    return path


# --- format 1 ---------------------------------------------------------------------------------------------


def test_every_committed_record_of_format_1_is_listed_reads_and_verifies():
    for runs in (ROOT / "runs", *(ROOT / "repeats").glob("*/")):
        listed = [line.split()[1] for line in (runs / "format-1/SHA256SUMS").read_text().splitlines()]
        found = [str(path.relative_to(runs / "format-1")) for path in (runs / "format-1").rglob(RECORD)]
        assert sorted(listed) == sorted(found) and found
        for name in found:
            record = records.read(runs / "format-1" / name, runs)
            records.verify(record)
            if record.run.method == "adcgan":
                assert record.run.changes  # an ablation of recipe printed


@pytest.fixture
def first_format(tmp_path):
    """A committed record of format 1 in a directory of runs of its own."""
    name = "adcgan/digits/one-vs-all/class-0/seed-0"
    shutil.copytree(ROOT / "runs/format-1" / name, tmp_path / "format-1" / name)
    shutil.copy(ROOT / "runs/format-1/SHA256SUMS", tmp_path / "format-1")
    return tmp_path / "format-1" / name / RECORD


def test_a_record_of_format_1_with_a_changed_digit_is_refused(first_format):
    text = first_format.read_text()
    places = [n for n, letter in enumerate(text) if letter.isdigit()]
    for place in random.Random(0).sample(places, 20):
        digit = "7" if text[place] != "7" else "3"
        first_format.write_text(text[:place] + digit + text[place + 1 :])
        assert "it was edited, or moved" in refusal(records.read, first_format, first_format.parents[6])
    first_format.write_text(text)
    records.read(first_format, first_format.parents[6])


def test_a_record_of_format_1_without_its_list_is_refused(first_format):
    (first_format.parents[5] / "SHA256SUMS").unlink()
    assert "it lists the records of format 1" in refusal(records.read, first_format, first_format.parents[6])


def test_a_run_that_format_1_recorded_is_found_and_not_trained_again():
    config = configure("knn", "one-vs-all", 28, 1)
    cell = records.Cell("knn", "mnist", "one-vs-all", 3, 0, config)
    assert records.find(cell, ROOT / "runs").former == {}
    old = configure("adcgan", "one-vs-all", 28, 1, **format1.defaults("adcgan", "one-vs-all", 28))
    cell = records.Cell("adcgan", "mnist", "one-vs-all", 3, 0, old, "printed", "paper")
    assert records.find(cell, ROOT / "runs").former == {}


# --- format 2 ---------------------------------------------------------------------------------------------


def leaves(content, path=()):
    """Every value in nested JSON with the path to it."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from leaves(value, (*path, key))
    else:
        yield path, content


def changed(value):
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return not value
    return value + 1 if isinstance(value, int) else value / 2 + 0.01 if isinstance(value, float) else f"{value}x"


def test_a_record_with_any_changed_field_is_refused(copied):
    path = path_of(copied, "script")
    text = path.read_text()
    known = list(leaves(json.loads(text)))
    assert len(known) > 120
    for where, value in known:
        content = json.loads(text)
        inner = content
        for key in where[:-1]:
            inner = inner[key]
        inner[where[-1]] = changed(value)
        path.write_text(json.dumps(content))
        refusal(records.read, path, copied)
    path.write_text(text)
    records.verify(records.read(path, copied))


@pytest.mark.parametrize(
    "recipe, change",
    [
        ("printed", lambda content: content["auroc"].update(NS=0.5)),
        ("printed", lambda content: content["images"].update(test_normal=1)),
        ("printed", lambda content: content["per_epoch"]["auroc"][-1].update(NS=0.123)),
        ("script", lambda content: content["stale_noise"]["NS"].update(mean=0.99)),
    ],
)
def test_a_figure_changed_together_with_the_hash_is_told_by_the_scores(recipe, change, copied):
    path = path_of(copied, recipe)
    content = json.loads(path.read_text())
    change(content)
    content["sha256"] = records.own_hash(content)
    path.write_text(json.dumps(content))
    (path.parent / "diagnostics.json").unlink(missing_ok=True)  # of the record as it was: refused for itself
    assert "it was edited" in refusal(records.verify, records.read(path, copied))


def test_the_scripts_record_keeps_what_its_stale_noise_can_be_computed_from(runs):
    record = records.read(path_of(runs, "script"), runs)
    kept = {name: values.astype(np.float32) for name, values in record.D_z.items()}
    components = {name: values.astype(np.float64) for name, values in record.components.items()}
    found = []
    for stale in kept["D_z_stale"]:  # the definition, one draw and one image at a time
        L_FL = []
        for n, anomalous in enumerate(record.anomalous):
            z, again, x = (kept[name][n] for name in ("D_z_own", "D_z_reconstruction", "D_z_x"))
            L_FL.append(abs((stale if anomalous else z) - again) + abs(again - x))
        rest = 0.1 * components["L_GD"] + 0.9 * components["L_GR"] + 0.5 * components["L_FE"]
        found.append(pairwise(rest + 0.5 * np.array(L_FL), record.anomalous))
    noise = record.content["stale_noise"]["NS"]
    assert noise["mean"] == pytest.approx(np.mean(found), abs=1e-5) == pytest.approx(record.result, abs=1e-5)
    assert [noise["low"], noise["high"]] == pytest.approx(np.quantile(found, [0.05, 0.95]), abs=1e-5)
    assert (np.diff(record.anomalous.astype(int)) >= 0).all()  # normal images first


def pairwise(scores, anomalous):
    """AUROC by its definition: the share of (anomalous, normal) pairs in order, ties as half."""
    difference = scores[anomalous][:, None] - scores[~anomalous]
    return ((difference > 0) + 0.5 * (difference == 0)).mean()


def test_a_record_says_how_its_training_ended_and_how_far_reconstructions_spread(runs):
    for recipe in ("printed", "script"):
        content = records.read(path_of(runs, recipe), runs).content
        assert content["ended"] == "budget"
        assert content["spread"]["images"] > content["spread"]["reconstructions"] > 0
        cost = content["cost"]
        assert cost["train_processor_seconds"] > 0 and cost["steps"] == {"printed": 3, "script": 2}[recipe] * (
            content["images"]["train"] // 16
        )
        assert (content["run"]["recipe"], content["run"]["scale"]) == (recipe, "paper")
        assert len(content["per_epoch"]["auroc"]) == len(content["losses"])


# --- stored models ----------------------------------------------------------------------------------------


def test_a_loaded_model_scores_to_the_same_bits_and_its_header_says_what_it_is(runs, digits):
    record = records.read(path_of(runs), runs)
    model = model_file.load(record.directory / MODEL)
    split = run.images_of(record.run, digits)
    for name, values in model.method.score(split.test).items():
        assert (values.astype(np.float16) == record.components[name]).all()
    assert model.header["run"] == record.content["run"]
    assert model.header["data"]["fingerprint"] == digits.fingerprint
    assert model.header["config"] == record.content["config"]


def test_loading_a_model_draws_nothing_from_the_global_generator(runs):
    before = torch.get_rng_state()
    model_file.load(path_of(runs).parent / MODEL)
    assert torch.equal(before, torch.get_rng_state())


def damage(path, how):
    """A model file made unusable in one way."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])

    def with_header(metadata):
        text = json.dumps(header | {"__metadata__": metadata}).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])

    ours = json.loads(header["__metadata__"]["adcgan"])
    match how:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(data[: len(data) // 2])
        case "garbage":
            path.write_bytes(bytes(1000))
        case "oversized header":
            path.write_bytes(struct.pack("<Q", 2**40) + data[8:])
        case "pickle":
            torch.save({"E": torch.zeros(1)}, path)
        case "foreign":
            save_file({"weight": torch.zeros(2)}, path)
        case "header is no JSON":
            with_header({"adcgan": "{"})
        case "later format":
            with_header({"adcgan": json.dumps(ours | {"format": 2})})
        case "other method":
            with_header({"adcgan": json.dumps(ours | {"method": "alad"})})
        case "unknown option":
            with_header({"adcgan": json.dumps(ours | {"config": ours["config"] | {"colour": "red"}})})
        case "other width":
            with_header({"adcgan": json.dumps(ours | {"config": ours["config"] | {"width": 0.2}})})
        case "a tensor less":
            tensors = load(data)
            tensors.pop(min(tensors))
            save_file(tensors, path, header["__metadata__"])


DAMAGE = ("missing", "empty", "truncated", "garbage", "oversized header", "pickle", "foreign", "header is no JSON",
          "later format", "other method", "unknown option", "other width", "a tensor less")  # fmt: skip


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_or_foreign_model_is_refused_in_one_line_that_names_it(how, copied):
    path = path_of(copied).parent / MODEL
    damage(path, how)
    assert str(path) in refusal(model_file.load, path)


@pytest.mark.parametrize("how", [how for how in DAMAGE if how != "missing"])
def test_diagnose_refuses_a_model_that_is_not_the_recorded_one(how, copied, capsys):
    path = path_of(copied).parent / MODEL
    (path.parent / "diagnostics.json").unlink()
    damage(path, how)
    assert main(["diagnose", str(path.parent)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is not the file that was recorded" in said
    assert not (path.parent / "diagnostics.json").exists()


def test_diagnose_needs_no_training_and_does_what_is_there_once(copied, capsys, monkeypatch):
    record = records.read(path_of(copied), copied)
    before = (record.directory / "diagnostics.json").read_text()
    monkeypatch.setattr("adcgan.training.Training", None)
    assert main(["diagnose", str(record.directory)]) == 0
    assert "was diagnosed before" in capsys.readouterr().out
    assert main(["diagnose", "--again", "--device", "cpu", str(record.directory)]) == 0
    again = json.loads((record.directory / "diagnostics.json").read_text())
    assert again["variants"] == json.loads(before)["variants"]


def test_diagnostics_of_another_record_are_refused(copied):
    directory = path_of(copied).parent
    content = json.loads((directory / "diagnostics.json").read_text())
    (directory / "diagnostics.json").write_text(json.dumps(content | {"record": "0" * 64}))
    record = records.read(directory / RECORD, copied)
    assert "is not of the record beside it" in refusal(lambda: record.diagnostics)


def test_a_run_without_its_model_says_so(copied, capsys):
    directory = path_of(copied).parent
    (directory / MODEL).unlink()
    records.read(directory / RECORD, copied)  # models are not committed: the record is whole without it
    assert main(["diagnose", "--again", str(directory)]) == 2
    assert "models are not committed" in capsys.readouterr().err
    assert main(["diagnose", str(directory.parent)]) == 2
    assert "holds no record.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--recipe", "as-printed"], "unknown recipe 'as-printed': expected one of printed, script"),
        (["--scale", "phone"], "unknown scale 'phone': expected one of paper, laptop"),
        (["--method", "alad", "--recipe", "script"], "recipes are AD-CGAN's; leave it out"),
        (["--method", "pca", "--recipe", "printed"], "recipes are AD-CGAN's; leave it out"),
    ],
)
def test_a_wrong_recipe_or_scale_is_one_line_and_nothing_is_written(arguments, said, tmp_path, capsys):
    assert main(["run", "--dataset", "digits", "--runs", str(tmp_path / "runs"), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and said in error
    assert not (tmp_path / "runs").exists()
