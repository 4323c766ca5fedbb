"""Records: written whole or not at all, read back to the bit, and refused by name when anything is off."""

import hashlib
import io
import json
import resource
import shutil
from contextlib import contextmanager
from dataclasses import replace

import edits
import numpy as np
import pytest
from edits import each_edit, edited
from PIL import Image
from small import refusal

from adcgan import scoring, training
from adcgan.config import configure, digest
from adcgan.errors import AdcganError
from adcgan.experiments import arrays as stored
from adcgan.experiments import records
from adcgan.experiments.records import RECORD, Run
from adcgan.experiments.run import COLUMNS
from adcgan.experiments.verify import _band, verify
from adcgan.scoring import auroc


@pytest.fixture
def parts(record):
    """What `records.write` was given for the finished record."""
    added = ("format", "pictures", "files", records.SELF)
    content = {name: value for name, value in record.content.items() if name not in added}
    arrays = {"labels": record.labels, "anomalous": record.anomalous} | record.components
    return content, arrays, {name: row[..., None] for name, row in record.picture_rows().items()}


@contextmanager
def full_disk(room):
    """No file may grow beyond ``room`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def edit(path, change):
    """Change a record, its own hash with it, so that another check has to find it out."""
    content = json.loads(path.read_text())
    change(content)
    if records.SELF in content:
        content[records.SELF] = records.own_hash(content)
    path.write_text(json.dumps(content))


def digested(change):
    """A change to a record's configuration, its digest with it."""

    def changed(content):
        change(content["config"])
        run = content["run"]
        content["digest"] = digest(run["method"], run["scheme"], run["recipe"], run["scale"], content["config"])

    return changed


def test_a_record_is_read_back_as_it_was_written_and_found_once(record, parts, runs_of, tmp_path):
    content, arrays, rows = parts
    assert records.read_all(tmp_path) == [] and records.find(record.run, tmp_path) is None
    written = records.write(record.run, tmp_path, content, arrays, rows)
    assert (written.directory / RECORD).read_bytes() == (record.directory / RECORD).read_bytes()
    for found in (records.find(record.run, tmp_path), *records.read_all(runs_of(record))):
        assert found.content == record.content and found.run == record.run
    for name, values in arrays.items():
        kept = {"labels": written.labels, "anomalous": written.anomalous} | written.components
        assert kept[name].dtype == values.dtype and (kept[name] == values).all()
    assert "no-such is not a directory" in refusal(records.read_all, tmp_path / "no-such")


def test_a_record_holds_every_images_components_and_what_equation_4_and_auroc_make_of_them(record, zeros):
    assert (record.labels == zeros.test_labels).all() and (record.anomalous == zeros.anomalous).all()
    assert list(record.components) == ["L_GD", "L_GR", "L_FE", "L_FL"]
    assert all(values.dtype == np.float16 and len(values) == 602 for values in record.components.values())
    terms = scoring.terms(record.run.config)  # under recipe printed NS is a sum; the components are means
    c = {name: values.astype(np.float64) * terms[name] for name, values in record.components.items()}
    expected = 0.1 * c["L_GD"] + 0.9 * c["L_GR"] + 0.5 * c["L_FE"] + 0.5 * c["L_FL"]
    assert (record.scores == expected.astype(np.float32)).all()
    stored = {"NS": record.scores} | record.components
    assert record.auroc == {name: auroc(record.anomalous, values) for name, values in stored.items()}


def test_a_record_says_what_was_run_on_what(record, digits, zeros, run_options):
    content = record.content
    assert content["run"] == {
        "method": "adcgan", "recipe": "printed", "scale": "paper", "dataset": "digits", "scheme": "one-vs-all",
        "label": 0, "class_name": "0", "seed": 0,
    }  # fmt: skip
    assert content["changes"].items() <= run_options.items() and content["changes"] == record.run.changes
    assert content["config"] == record.run.config.to_dict()
    assert content["data"] == {"fingerprint": digits.fingerprint, "canonical": True, "provenance": "canonical"}
    counts = [len(zeros.train), (~zeros.anomalous).sum(), zeros.anomalous.sum()]
    assert content["images"] == dict(zip(("train", "test_normal", "test_anomalous"), counts, strict=True))
    assert len(content["losses"]) == 5 and set(content["losses"][0]) == {"L_AE"} and "L_dz" in content["losses"][1]
    assert content["device"]["type"] == "cpu" and content["ended"] == "budget"
    cost = content["cost"]
    assert all(cost[f"{part}_seconds"] > 0 for part in ("train", "score", "per_epoch"))
    assert all(cost[f"{part}_processor_seconds"] > 0 for part in ("train", "score"))
    assert cost["steps"] == 5 * (96 // 16) and cost["resumed"] == 0
    assert content["spread"]["images"] > content["spread"]["reconstructions"] > 0


def test_method_recipe_scale_changes_and_repeat_name_the_directory(record, tmp_path):
    assert record.directory.name == f"seed-0-{record.run.variant}"
    place = ("digits", "one-vs-all", "class-7", "seed-2")
    for method, recipe, scale, names in (
        ("adcgan", "printed", "paper", ("paper", "adcgan-printed")),
        ("adcgan", "script", "laptop", ("laptop", "adcgan-script")),
        ("alad", None, "laptop", ("laptop", "alad")),
        ("knn", None, None, ("library", "knn")),
    ):
        config = configure(method, "one-vs-all", 28, 1, recipe=recipe, scale=scale)
        run = Run(method, "digits", "one-vs-all", 7, 2, config, recipe, scale)
        assert run.directory(tmp_path) == tmp_path.joinpath(*names, *place)
        assert run.variant == "" and run.changes == {} and run.name == names[1]
        again = replace(run, repeat=1)
        assert again.directory(tmp_path).name == "seed-2-repeat-1" and "seed 2 repeat 1" in str(again)


def test_an_ablations_eight_digits_follow_from_its_changes_alone():
    """They name directories under runs/: records would be orphaned by a change."""

    def ablation(recipe, scale, dataset="mnist", **options):
        config = configure("adcgan", "one-vs-all", 28, 1, recipe=recipe, scale=scale, **options)
        return Run("adcgan", dataset, "one-vs-all", 0, 0, config, recipe, scale)

    assert ablation("printed", "laptop", contrastive="masked", epochs=1).variant == "37b76b33"
    assert ablation("printed", "paper", "digits", epochs=1, contrastive="masked").variant == "37b76b33"
    assert ablation("script", "paper", epochs=1).variant != ablation("script", "paper", epochs=2).variant


def test_picture_rows_are_the_named_pictures_and_their_reconstructions(record, zeros):
    rows = record.picture_rows()
    kinds = ["normal", "anomalous", "most normal", "most anomalous"]
    assert list(rows) == [name for kind in kinds for name in (kind, f"{kind}, reconstructed")]
    assert all(row.shape == (COLUMNS, 28, 28) and row.dtype == np.uint8 for row in rows.values())
    assert (rows["normal"] == zeros.test[~zeros.anomalous][:COLUMNS, ..., 0]).all()
    assert (rows["anomalous"] == zeros.test[zeros.anomalous][:COLUMNS, ..., 0]).all()
    assert (rows["most normal"][0] == zeros.test[record.scores.argmin(), ..., 0]).all()
    assert (rows["most anomalous"][0] == zeros.test[record.scores.argmax(), ..., 0]).all()


def test_picture_rows_of_colour_pictures_keep_their_colours(record, parts, tmp_path):
    content, arrays, _ = parts
    rows = {name: np.full((3, 32, 32, 3), colour, np.uint8) for name, colour in (("normal", 40), ("anomalous", 200))}
    rows["normal"][1, ..., 0] = 250
    written = records.write(record.run, tmp_path, content, arrays, rows)
    kept = written.picture_rows()
    assert all(np.abs(kept[name].astype(int) - row).mean() < 5 for name, row in rows.items())  # JPEG is not exact
    assert Image.open(written.directory / "pictures.jpg").size == (3 * 32, 2 * 32)


# --- refused -------------------------------------------------------------------------------------------


def read_back(place):
    return records.read(place[1], place[0])


def message_of(place):
    """What a record is refused with; it names the file."""
    message = refusal(records.read, place[1], place[0])
    assert str(place[1].parent) in message
    return message


def leaves(content, path=()):
    """Every value in nested JSON with the path to it."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from leaves(value, (*path, key))
    else:
        yield path, content


def other(value):
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return not value
    return value + 1 if isinstance(value, int) else value / 2 + 0.0123 if isinstance(value, float) else f"{value}x"


def test_a_record_with_any_changed_field_is_refused(copied, script_record):
    runs, path = copied(script_record)
    text = path.read_text()
    known = list(leaves(json.loads(text)))
    assert len(known) > 120
    for where, value in known:
        content = inner = json.loads(text)
        for key in where[:-1]:
            inner = inner[key]
        inner[where[-1]] = other(value)
        path.write_text(json.dumps(content))
        refusal(records.read, path, runs)
    path.write_text(text)
    verify(records.read(path, runs))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda content: content.update(comment="mine"), "comment"),
        (lambda content: content["run"].update(label="0"), "run/label"),
        (lambda content: content["auroc"].update(NS=71.3), "auroc/NS"),
        (lambda content: content.update(format=99), "format"),
        (lambda content: content["config"].update(rho=0.25), "digest"),
        (digested(lambda config: config.update(epochs=-1)), "epochs"),
        (digested(lambda config: config.update(invented=1)), "invented"),
        (digested(lambda config: config.pop("image_size")), "image size"),
        (digested(lambda config: config.update(width=10**400)), "below 2^63"),
        (digested(lambda config: config.update(recipe="printed")), "'recipe' is no option"),
        (digested(lambda config: config.update(scale="paper")), "'scale' is no option"),
        (lambda content: content["run"].update(dataset="a\0b"), "cannot be read"),
        (lambda content: content["run"].update(dataset="\ud800"), "cannot be read"),
        (lambda content: content["losses"].append({"a\nb": None}), "losses/5/a\\nb"),
        (lambda content: content["run"].update(method="gan"), "gan"),
        (lambda content: content.update(finished="<b>now</b>"), "finished"),
        (lambda content: content["auroc"].update({"L_<img>": 0.5}), "auroc"),
        (lambda content: content["files"].update({"../x": "0" * 64}), "files"),
        *(
            (lambda content, name=name: content.pop(name), name)
            for name in ("run", "config", "changes", "digest", "auroc", "losses", "data", "ended", "files")
        ),
    ],
)
def test_an_edited_record_is_refused_although_its_hash_was_edited_too(copied, record, change, complaint):
    place = copied(record)
    edit(place[1], change)
    assert complaint in message_of(place)


def test_a_file_that_is_no_record_is_refused(copied, record):
    place = copied(record)
    path, text = place[1], place[1].read_text()
    for damaged in (text[: len(text) // 2], "", "[]", "[" * 100_000):
        path.write_text(damaged)
        message_of(place)
    path.write_bytes(b"\xff\xfe\x00")
    message_of(place)
    for number in ("NaN", "Infinity", "1e999"):
        path.write_text(text.replace(f"{record.auroc['NS']!r}", number))
        assert f"{number} is no number" in message_of(place)


@pytest.mark.parametrize(
    ("recipe", "change", "complaint"),
    [
        ("printed", lambda content: content["auroc"].update(NS=0.99), "AUROC of NS is 0.99, but its scores give"),
        ("printed", lambda content: content["auroc"].update(L_XX=0.5), "L_XX is 0.5, but its scores give None"),
        ("printed", lambda content: content["images"].update(test_normal=5), "test_normal is 5, but its scores give"),
        (
            "printed",
            lambda content: content["per_epoch"]["auroc"][-1].update({"reduction=mean": 0.01}),
            "AUROC of reduction=mean after the last epoch is 0.01",
        ),
        (
            "printed",
            lambda content: content["per_epoch"]["auroc"][-1].update(xyz=0.5),
            "AUROC of xyz after the last epoch is 0.5",
        ),
        ("script", lambda content: content["stale_noise"]["NS"].update(mean=0.99), "its stale noise is not what"),
    ],
)
def test_a_figure_edited_together_with_the_hash_is_told_by_the_scores(
    copied, record, script_record, recipe, change, complaint
):
    place = copied({"printed": record, "script": script_record}[recipe])
    verify(read_back(place))
    edit(place[1], change)
    message = refusal(verify, read_back(place))
    assert complaint in message and "it was edited" in message and str(place[1]) in message


@each_edit
def test_a_record_edited_by_hand_is_named_by_adcgan_check(invoke, tmp_path, format, edit):
    path = edited(tmp_path, format, edit)
    status, out, err = invoke("check", "--runs", tmp_path)
    assert status == 2 and out == "" and err.count("\n") == 1 and err.startswith(f"adcgan: error: record {path}")


def test_what_is_edited_by_hand_was_whole_before(invoke, tmp_path):
    for format in edits.WRITE:
        edited(tmp_path, format, lambda directory: None)
    assert invoke("check", "--runs", tmp_path) == (0, f"4 records in {tmp_path}, all whole\n", "")


def resigned(path, name, data):
    """Put other bytes in the place of a file, with the hashes that say that it is the one recorded."""
    path.with_name(name).write_bytes(data)
    edit(path, lambda content: content["files"].update({name: hashlib.sha256(data).hexdigest()}))


def packed(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda arrays: arrays.pop("anomalous"), "array anomalous, "),
        (lambda arrays: arrays.pop("labels"), "array labels is missing"),
        (lambda arrays: arrays.update(L_FL=arrays["L_FL"][:-1]), "array L_FL is missing, or is not a finite number"),
        (lambda arrays: arrays.update(L_FL=arrays["L_FL"] * np.float16(np.nan)), "array L_FL"),
        (lambda arrays: arrays.update(L_FL=np.array(False)), "array L_FL"),
        (lambda arrays: arrays.update(L_FL=arrays["L_FL"].astype(str)), "array L_FL"),
        (lambda arrays: arrays.update(D_z_x=arrays["L_FL"]), "array D_z_own, D_z_reconstruction, D_z_stale is missing"),
        (lambda arrays: arrays.update(L_FL=np.array([None])), "scores.npz cannot be read (ValueError: Object arrays"),
        (lambda arrays: arrays.pop("L_FL"), "components L_GD, L_GR, L_FE in scores.npz are not those of method adcgan"),
    ],
)
def test_arrays_that_are_no_scores_are_refused_although_all_hashes_fit(copied, record, change, complaint):
    runs, path = copied(record)
    with np.load(path.with_name("scores.npz")) as archive:
        arrays = dict(archive)
    change(arrays)
    resigned(path, "scores.npz", packed(arrays))
    message = refusal(verify, read_back((runs, path)))
    assert complaint in message and str(path) in message


def test_a_file_beside_a_record_that_is_none_is_refused_although_all_hashes_fit(copied, record, monkeypatch):
    runs, path = copied(record)
    whole = path.with_name("scores.npz").read_bytes()
    for data in (b"", whole[:-30], whole[:100] + b"\xff" * 8 + whole[108:], b"\x93NUMPY"):
        resigned(path, "scores.npz", data)
        assert "scores.npz cannot be read (" in refusal(verify, read_back((runs, path)))
    resigned(path, "scores.npz", whole)
    for data in (b"", path.with_name("pictures.png").read_bytes()[:-40]):
        resigned(path, "pictures.png", data)
        assert "pictures.png is no sheet of its pictures (" in refusal(read_back((runs, path)).picture_rows)
    monkeypatch.setattr(stored, "LARGEST", 1000)  # in the place of an archive of gigabytes of zeros
    assert "it unpacks to " in refusal(verify, read_back((runs, path)))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda content: content.update(variants=[]), "variants"),
        (lambda content: content["variants"]["score"].update(NS="0.5"), "variants/score/NS"),
        (lambda content: content.pop("one_image"), "'one_image' is a required property"),
        (lambda content: content.update(one_image={}), "one_image"),
        (lambda content: content.update(arrays=None), "arrays"),
    ],
)
def test_edited_diagnostics_are_refused_by_their_form(copied, diagnosed, change, complaint):
    runs, path = copied(diagnosed)
    content = json.loads(path.with_name("diagnostics.json").read_text())
    change(content)
    path.with_name("diagnostics.json").write_text(json.dumps(content))
    message = refusal(verify, read_back((runs, path)))
    assert complaint in message and "diagnostics.json" in message


def test_a_record_in_another_runs_place_or_beside_other_files_is_refused(copied, record):
    runs, path = copied(record)
    elsewhere = path.parents[2] / "class-1" / path.parent.name
    shutil.copytree(path.parent, elsewhere)
    assert str(path.parent) in refusal(records.read, elsewhere / RECORD, runs)
    assert "class-1" in refusal(records.read_all, runs)
    for name in ("scores.npz", "pictures.png"):
        data = path.with_name(name).read_bytes()
        path.with_name(name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert "not the file that was recorded" in message_of((runs, path))
        path.with_name(name).unlink()
        assert f"{name} is missing" in message_of((runs, path))
        path.with_name(name).write_bytes(data)


# --- unwritable and full ----------------------------------------------------------------------------------


def test_a_record_that_breaks_the_schema_or_has_no_place_is_not_written(record, parts, tmp_path):
    content, arrays, rows = parts
    broken = content | {"auroc": {"NS": float("inf")}}
    assert "auroc/NS" in refusal(records.write, record.run, tmp_path, broken, arrays, rows)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("in the way")
    message = refusal(records.write, record.run, tmp_path / "file", *parts)
    assert "cannot be written" in message and str(tmp_path / "file") in message


@pytest.mark.parametrize("room", [0, 1000])
def test_a_full_disk_leaves_no_record_and_nothing_half_written(record, parts, tmp_path, room):
    with full_disk(room), pytest.raises(AdcganError, match="cannot be written.*free space") as refused:
        records.write(record.run, tmp_path, *parts)
    assert "\n" not in str(refused.value)
    directory = record.run.directory(tmp_path)
    for path in directory.iterdir():  # what is there is whole
        assert path.name != RECORD and path.read_bytes() == (record.directory / path.name).read_bytes()
    assert records.write(record.run, tmp_path, *parts).content == record.content


def test_a_checkpoint_that_does_not_fit_the_disk_ends_the_training_in_one_line(small_method, zeros, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    with full_disk(100_000), pytest.raises(AdcganError, match="cannot be written") as refused:
        training.train(small_method(), zeros.train[:16], seed=0, checkpoint=checkpoint, identity="x", title="small")
    assert str(checkpoint) in str(refused.value) and "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_with_few_images_what_half_precision_makes_of_an_auroc_is_no_edit():
    """Two images of a kind whose order half precision cannot keep: the AUROC before may have been any of the two."""
    anomalous, kept = np.array([True, False, False]), np.float16([0.2, 0.2, 0.1])
    low, high = _band(anomalous, kept)
    assert low <= 0.5 and high >= 1.0
    low, high = _band(anomalous, np.float16([0.2, 0.19, 0.1]))
    assert low > 0.99
    anomalous, kept = np.array([True, False, False, False]), np.float16([0.2, 0.2, 0.1, 0.3])
    low, _ = _band(anomalous, kept)
    assert low <= round(1 / 3, 5), "nor is what rounding to five decimals makes of it"
