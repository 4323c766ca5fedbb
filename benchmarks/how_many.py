"""How many normal pictures are enough: the AUROC on Fashion-MNIST against how many pictures a detector is given.

    python benchmarks/how_many.py --classes 0

Each detector is fitted as `adcgan fit` does it, at scale laptop: of the pictures given a tenth and at least 20 are held
out. The test is the official one, all 10,000 images. What the result's file has is not measured again.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from adcgan import AnomalyDetector
from adcgan.data.datasets import load
from adcgan.experiments.files import written
from adcgan.experiments.provenance import choose_device, device_description
from adcgan.scoring import auroc

COUNTS = (50, 100, 200, 500, 1000, 2000, 6000)
METHODS = ("adcgan", "pca", "knn")
RESULT = Path(__file__).parent / "results/how-many.json"


def row(dataset, label, count, method):
    """A detector fitted on the first ``count`` pictures of a class, and its AUROC."""
    given = dataset.train_images[dataset.train_labels == label][:count]
    started = time.process_time()
    detector = AnomalyDetector(method).fit(given)
    seconds = time.process_time() - started
    result = auroc(dataset.test_labels != label, detector.anomaly_score(dataset.test_images))
    held = len(detector.held_out_)
    return {
        "label": label, "class_name": dataset.classes[label], "given": count, "held_out": held, "method": method,
        "auroc": round(result, 5), "fit_processor_seconds": round(seconds, 1),
    }  # fmt: skip


def main():
    """Measure what is missing, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--classes", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    dataset = load("fashion_mnist")
    rows = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    done = {(some["label"], some["given"], some["method"]) for some in rows}
    for wanted in ((label, count, method) for label in given.classes for count in COUNTS for method in METHODS):
        if wanted in done:
            continue
        rows.append(row(dataset, *wanted))
        print(rows[-1], flush=True)
        about = {"kind": "how-many", "torch": torch.__version__, "device": device_description(choose_device("auto"))}
        rows.sort(key=lambda some: (some["label"], some["given"], METHODS.index(some["method"])))
        written(given.out, (json.dumps(about | {"rows": rows}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
