"""Records that the tests of the site share: a few of every kind, with numbers from a generator."""

from types import SimpleNamespace

import pytest
from factories import write_format1, write_record

from adcgan.experiments import grid
from adcgan.experiments.records import read_all

EPOCHS = [None] * 5 + [0.5, 0.9, 0.6, 0.7, 0.8, 0.75, 0.7]  # after each of the epochs read


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """A record of every kind, by name; `all` of them as they are read, in `runs`. Tests leave them as they are."""
    runs = tmp_path_factory.mktemp("few") / "runs"
    laptop = dict(scale="laptop")
    made = {
        "laptop": write_record(runs, **laptop, diagnosed=True, per_epoch=EPOCHS),
        "second": write_record(runs, seed=1, **laptop, diagnosed=True),
        "other": write_record(runs, label=1, **laptop),
        "repeat": write_record(runs, **laptop, repeat=1),
        "ablation": write_record(runs, **laptop, **grid.ABLATIONS["no contrastive loss"]),
        "script": write_record(runs, **laptop, recipe="script"),
        "paper": write_record(runs, diagnosed=True, seconds=7200),
        "hard": write_record(runs, "cifar10", scheme="all-vs-one", **laptop),
        "alad": write_record(runs, method="alad", **laptop),
        "pca": write_record(runs, method="pca"),
        "knn": write_record(runs, method="knn", canonical=False),
        "autoencoder": write_record(runs, method="autoencoder", **laptop),
        "digits": write_record(runs, "digits", **laptop),
        "own": write_record(runs, "folder-pets", **laptop),
        "old": write_format1(runs, "fashion_mnist"),
    }
    return SimpleNamespace(runs=runs, all=tuple(read_all(runs)), **made)
