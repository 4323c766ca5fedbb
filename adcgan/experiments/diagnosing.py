"""`adcgan diagnose`: what the diagnostics find in the stored model of a record, written beside it."""

import time
from pathlib import Path

from ..data import datasets
from ..data.datasets import Dataset
from ..diagnostics.diagnose import diagnose as ask
from ..errors import AdcganError
from . import model_file
from .provenance import choose_device, code_revision, device_description
from .records import MODEL, RECORD, Record, check_file, read, read_diagnostics, write_diagnostics
from .run import check_data, held, images_of


def record_at(path: Path) -> Record:
    """The record in a directory, found with the directory of runs that it lies in."""
    path = Path(path).resolve()
    file = path if path.name == RECORD else path / RECORD
    if not file.exists():
        raise AdcganError(f"{path} holds no {RECORD}: name the directory of a record")
    depth = 6  # scale, method, data set, scheme, class, seed: the same in format 1, whose first part is its name
    if len(file.parents) <= depth:
        raise AdcganError(f"{path} is no directory of a record: expected RUNS/SCALE/METHOD/DATASET/SCHEME/CLASS/SEED")
    return read(file, file.parents[depth])


def diagnosable(record: Record) -> bool:
    """Whether `diagnose` has something to do: AD-CGAN, its model still there, no diagnostics yet."""
    return record.run.method == "adcgan" and (record.directory / MODEL).exists() and not record.diagnostics


def diagnose(record: Record, device: str = "auto", *, again: bool = False, dataset: Dataset | None = None) -> bool:
    """Write what `adcgan.diagnostics` finds in the stored model beside ``record``; False where it was there before.

    Raises AdcganError where there is no model, where it is not the one recorded, or where the data are other ones;
    `Busy` where another process has the run in work.
    """
    run = record.run
    if run.method != "adcgan":
        raise AdcganError(f"{run}: diagnostics are AD-CGAN's; there are none of method {run.method}")
    path = record.directory / MODEL
    if not again and record.diagnostics:
        return False
    if "model" not in record.content or not path.exists():
        raise AdcganError(f"{record.directory} holds no {MODEL}: models are not committed; run it again elsewhere")
    with held(run, record.directory):
        if not again and read_diagnostics(record):  # ended elsewhere just before
            return False
        check_file(record.directory / RECORD, MODEL, record.content["model"]["sha256"])
        _write(record, device, dataset)
    return True


def _write(record, device, dataset):
    run = record.run
    started, processor = time.monotonic(), time.process_time()
    dataset = dataset or datasets.load(run.dataset)
    check_data(record, dataset)
    split = images_of(run, dataset)
    method = model_file.load(record.directory / MODEL, choose_device(device)).method
    normal = split.train[: run.config.epoch_images or len(split.train)]
    found = ask(method, split.test, split.test_labels, split.anomalous, normal)
    content = {
        "variants": found.variants,
        "one_image": sorted(found.images),
        "code": code_revision(),
        "device": device_description(choose_device(device)),
        "cost": {
            "seconds": round(time.monotonic() - started, 2),
            "processor_seconds": round(time.process_time() - processor, 2),
        },
    }
    write_diagnostics(record, content, found.draws | found.images)
