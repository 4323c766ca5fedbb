"""Stored models: loaded to the same bits, and refused where anything in them was changed."""

import json
import struct

import numpy as np
import torch
from safetensors.torch import load, save_file
from small import refusal

from adcgan.cli import main
from adcgan.experiments import model_file, records, run
from adcgan.experiments.records import MODEL
from adcgan.experiments.verify import verify


def test_a_loaded_model_scores_to_the_same_bits_and_its_header_says_what_it_is(record, digits):
    before = torch.get_rng_state()
    model = model_file.load(record.directory / MODEL)
    assert torch.equal(before, torch.get_rng_state()), "nothing is drawn"
    split = run.images_of(record.run, digits)
    for name, values in model.method.score(split.test).items():
        assert (values.astype(np.float16) == record.components[name]).all()
    assert model.header["run"] == record.content["run"]
    assert model.header["data"]["fingerprint"] == digits.fingerprint
    assert model.header["config"] == record.content["config"]


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


def test_a_damaged_or_foreign_model_is_refused_in_one_line_that_names_it(copied, record, capsys):
    path = copied(record)[1].with_name(MODEL)
    whole = path.read_bytes()
    for how in DAMAGE:
        path.write_bytes(whole)
        damage(path, how)
        assert str(path) in refusal(model_file.load, path), how
        if how != "missing":  # another model than the recorded one is not even opened
            assert main(["diagnose", str(path.parent)]) == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1 and "is not the file that was recorded" in said
            assert not (path.parent / "diagnostics.json").exists()


def test_a_record_without_its_model_is_whole_but_cannot_be_diagnosed(copied, diagnosed, capsys):
    runs, path = copied(diagnosed)
    path.with_name(MODEL).unlink()
    verify(records.read(path, runs))  # models are not committed
    assert main(["diagnose", "--again", str(path.parent)]) == 2
    assert "models are not committed" in capsys.readouterr().err
    assert main(["diagnose", str(path.parents[1])]) == 2
    assert "holds no record.json" in capsys.readouterr().err
