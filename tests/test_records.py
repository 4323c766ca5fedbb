"""Records: written whole or not at all, read back to the bit, and refused by name when anything is off."""

import json
import resource
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from adcgan import scoring, training
from adcgan.config import configure, digest
from adcgan.errors import AdcganError
from adcgan.experiments import files, records
from adcgan.experiments.records import RECORD
from adcgan.experiments.run import COLUMNS
from adcgan.scoring import auroc


@pytest.fixture
def copy(record, runs_of, tmp_path):
    """A copy of the finished record's runs directory: its root, and the path of record.json."""
    runs = tmp_path / "runs"
    shutil.copytree(runs_of(record), runs)
    return runs, record.run.directory(runs) / RECORD


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


def refusal(copy, named=RECORD):
    runs, path = copy
    with pytest.raises(AdcganError) as refused:
        records.read(path, runs)
    message = str(refused.value)
    assert str(path) in message and named in message and "\n" not in message
    return message


def test_a_record_is_read_back_as_it_was_written(record, parts, runs_of, tmp_path):
    content, arrays, rows = parts
    written = records.write(record.run, tmp_path, content, arrays, rows)
    assert written.content == record.content and written.run == record.run
    assert (written.directory / RECORD).read_bytes() == (record.directory / RECORD).read_bytes()
    again = records.read(record.directory / RECORD, runs_of(record))
    assert again.content == record.content and again.run == record.run
    for name, values in arrays.items():
        kept = {"labels": written.labels, "anomalous": written.anomalous} | written.components
        assert kept[name].dtype == values.dtype and (kept[name] == values).all()


def test_aurocs_are_exactly_those_of_the_stored_scores(record):
    stored = {"NS": record.scores} | record.components
    assert set(record.auroc) == set(stored)
    assert record.auroc == {name: auroc(record.anomalous, values) for name, values in stored.items()}


def test_stored_scores_are_equation_4_of_the_stored_components(record):
    terms = scoring.terms(record.run.config)  # recipe printed sums, and the components are means
    c = {name: values.astype(np.float64) * terms[name] for name, values in record.components.items()}
    expected = 0.1 * c["L_GD"] + 0.9 * c["L_GR"] + 0.5 * c["L_FE"] + 0.5 * c["L_FL"]
    assert (record.scores == expected.astype(np.float32)).all()


def test_a_record_holds_every_test_image_once_in_half_precision(record, zeros):
    assert (record.labels == zeros.test_labels).all() and (record.anomalous == zeros.anomalous).all()
    assert list(record.components) == ["L_GD", "L_GR", "L_FE", "L_FL"]
    assert all(values.dtype == np.float16 and len(values) == 602 for values in record.components.values())


def test_a_record_says_what_was_run_on_what(record, digits, zeros, run_options):
    content = record.content
    assert content["run"] == {
        "method": "adcgan", "recipe": "printed", "scale": "paper", "dataset": "digits", "scheme": "one-vs-all",
        "label": 0, "class_name": "0", "seed": 0,
    }  # fmt: skip
    assert content["changes"].items() <= run_options.items() and content["changes"] == record.run.changes
    assert content["config"] == record.run.config.to_dict()
    assert content["data"] == {"fingerprint": digits.fingerprint, "canonical": True, "provenance": "canonical"}
    counts = {
        "train": len(zeros.train),
        "test_normal": (~zeros.anomalous).sum(),
        "test_anomalous": zeros.anomalous.sum(),
    }
    assert content["images"] == counts
    assert len(content["losses"]) == 6 and set(content["losses"][0]) == {"L_AE"} and "L_dz" in content["losses"][1]
    assert content["device"]["type"] == "cpu" and content["ended"] == "budget"
    cost = content["cost"]
    assert all(cost[f"{part}_seconds"] > 0 for part in ("train", "score", "per_epoch"))
    assert all(cost[f"{part}_processor_seconds"] > 0 for part in ("train", "score"))
    assert cost["steps"] == 6 * (len(zeros.train) // 16) and cost["resumed"] == 0
    assert content["spread"]["images"] > content["spread"]["reconstructions"] > 0


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


def test_changes_name_the_directory_and_a_recipes_settings_do_not(record, small_config, tmp_path):
    assert record.directory.name == f"seed-0-{record.run.variant}"
    place = ("digits", "one-vs-all", "class-7", "seed-2")
    for method, recipe, scale, names in (
        ("adcgan", "printed", "paper", ("paper", "adcgan-printed")),
        ("adcgan", "script", "laptop", ("laptop", "adcgan-script")),
        ("alad", None, "laptop", ("laptop", "alad")),
        ("knn", None, None, ("library", "knn")),
    ):
        config = configure(method, "one-vs-all", 28, 1, recipe=recipe, scale=scale)
        cell = records.Cell(method, "digits", "one-vs-all", 7, 2, config, recipe, scale)
        assert cell.directory(tmp_path) == tmp_path.joinpath(*names, *place)
        assert cell.variant == "" and cell.changes == {} and cell.name == names[1]


def test_an_ablations_eight_digits_follow_from_its_changes_alone():
    """They name directories under runs/: records would be orphaned by a change."""

    def cell(recipe, scale, dataset="mnist", **options):
        config = configure("adcgan", "one-vs-all", 28, 1, recipe=recipe, scale=scale, **options)
        return records.Cell("adcgan", dataset, "one-vs-all", 0, 0, config, recipe, scale)

    assert cell("printed", "laptop", contrastive="masked", epochs=1).variant == "37b76b33"
    assert cell("printed", "paper", "digits", epochs=1, contrastive="masked").variant == "37b76b33"
    assert cell("script", "paper", epochs=1).variant != cell("script", "paper", epochs=2).variant


def test_every_record_is_found_and_none_twice(record, runs_of, tmp_path):
    assert [found.directory for found in records.read_all(runs_of(record))] == [record.directory]
    assert records.find(record.run, runs_of(record)).content == record.content
    assert records.read_all(tmp_path) == [] and records.find(record.run, tmp_path) is None


# --- refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [lambda text: text[: len(text) // 2], lambda text: "", lambda text: "[]"])
def test_a_damaged_record_is_refused(copy, damage):
    copy[1].write_text(damage(copy[1].read_text()))
    refusal(copy)


def test_a_record_of_other_bytes_is_refused(copy):
    copy[1].write_bytes(b"\xff\xfe\x00")
    refusal(copy)


@pytest.mark.parametrize(
    "name", ["format", "run", "config", "changes", "digest", "auroc", "losses", "data", "ended", "files", "sha256"]
)
def test_a_record_without_one_of_its_parts_is_refused(copy, name):
    edit(copy[1], lambda content: content.pop(name))
    assert name in refusal(copy)


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
        (lambda content: content["run"].update(method="gan"), "gan"),
        (digested(lambda config: config.update(image_size="28")), "image size '28'"),
        (digested(lambda config: config.update(width=10**400)), "below 2^63"),
        (lambda content: content.update(finished="<b>now</b>"), "finished"),
        (lambda content: content["auroc"].update({"L_<img>": 0.5}), "auroc"),
        (lambda content: content["files"].update({"../x": "0" * 64}), "files"),
    ],
)
def test_an_edited_record_is_refused(copy, change, complaint):
    edit(copy[1], change)
    assert complaint in refusal(copy)


def test_a_record_in_another_cells_place_is_refused(copy):
    runs, path = copy
    elsewhere = path.parent.parent.parent / "class-1" / path.parent.name
    shutil.copytree(path.parent, elsewhere)
    message = refusal((runs, elsewhere / RECORD))
    assert str(path.parent) in message
    with pytest.raises(AdcganError, match="class-1"):
        records.read_all(runs)


@pytest.mark.parametrize("name", ["scores.npz", "pictures.png"])
def test_a_changed_or_missing_file_beside_a_record_is_refused(copy, name):
    path = copy[1].with_name(name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "not the file that was recorded" in refusal(copy, name)
    path.unlink()
    assert "missing" in refusal(copy, name)


# --- unwritable and full ----------------------------------------------------------------------------------


def test_a_record_that_breaks_the_schema_is_not_written(record, parts, tmp_path):
    content, arrays, rows = parts
    with pytest.raises(AdcganError, match="auroc/NS"):
        records.write(record.run, tmp_path, content | {"auroc": {"NS": float("inf")}}, arrays, rows)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_refused_in_one_line(record, parts, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AdcganError, match="cannot be written") as refused:
        records.write(record.run, tmp_path / "file", *parts)
    assert str(tmp_path / "file") in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("room", [0, 1000, 12000])
def test_a_full_disk_leaves_no_record_and_nothing_half_written(record, parts, tmp_path, room):
    with full_disk(room), pytest.raises(AdcganError, match="cannot be written.*free space") as refused:
        records.write(record.run, tmp_path, *parts)
    assert "\n" not in str(refused.value)
    directory = record.run.directory(tmp_path)
    for path in directory.iterdir():  # what is there is whole
        assert path.name != RECORD and path.read_bytes() == (record.directory / path.name).read_bytes()
    assert records.write(record.run, tmp_path, *parts).content == record.content


def test_a_file_is_as_before_where_its_replacement_cannot_be_written(tmp_path):
    path = tmp_path / "file"
    files.written(path, b"before")
    with full_disk(3), pytest.raises(AdcganError, match="cannot be written"):
        files.written(path, b"after all")
    assert path.read_bytes() == b"before" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_checkpoint_that_does_not_fit_the_disk_ends_the_training_in_one_line(small_method, zeros, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    with full_disk(100_000), pytest.raises(AdcganError, match="cannot be written") as refused:
        training.train(small_method(), zeros.train[:16], seed=0, checkpoint=checkpoint, identity="x", title="small")
    assert str(checkpoint) in str(refused.value) and "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_an_edited_auroc_is_found_out(copy):
    runs, path = copy
    records.verify(records.read(path, runs))
    edit(path, lambda content: content["auroc"].update(NS=0.99))
    with pytest.raises(AdcganError, match="AUROC of NS is 0.99, but its scores give") as refused:
        records.verify(records.read(path, runs))
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda content: content["auroc"].update(L_XX=0.5), "AUROC of L_XX is 0.5, but its scores give None"),
        (lambda content: content["images"].update(test_normal=5), "test_normal is 5, but its scores give"),
        (
            lambda content: content["per_epoch"]["auroc"][-1].update({"reduction=mean": 0.01}),
            "AUROC of reduction=mean after the last epoch is 0.01",
        ),
        (lambda content: content["per_epoch"]["auroc"][-1].update(xyz=0.5), "AUROC of xyz after the last epoch is 0.5"),
    ],
)
def test_what_the_scores_tell_of_an_edit_is_found_out(copy, change, complaint):
    runs, path = copy
    edit(path, change)
    with pytest.raises(AdcganError, match=complaint):
        records.verify(records.read(path, runs))


def test_with_few_images_what_half_precision_makes_of_an_auroc_is_no_edit():
    """Two images of a kind whose order half precision cannot keep: the AUROC before may have been any of the two."""
    anomalous, kept = np.array([True, False, False]), np.float16([0.2, 0.2, 0.1])
    low, high = records._band(anomalous, kept)
    assert low <= 0.5 and high >= 1.0
    low, high = records._band(anomalous, np.float16([0.2, 0.19, 0.1]))
    assert low > 0.99


def test_a_record_nested_too_deep_is_refused(copy):
    copy[1].write_text("[" * 100_000)
    assert "cannot be read" in refusal(copy)


@pytest.mark.parametrize("text", ["NaN", "Infinity"])
def test_a_record_with_a_number_that_is_none_is_refused(copy, text):
    runs, path = copy
    content = json.loads(path.read_text())
    path.write_text(path.read_text().replace(f"{content['auroc']['NS']!r}", text))
    assert f"{text} is no number" in refusal(copy)


def test_a_missing_directory_of_records_is_named(tmp_path):
    with pytest.raises(AdcganError, match="no-such is not a directory"):
        records.read_all(tmp_path / "no-such")
