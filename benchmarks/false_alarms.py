"""Does the threshold keep its promise: false alarms and detections on Fashion-MNIST at a stated rate of 5 %.

    python benchmarks/false_alarms.py --classes 1 3 5 7 9 --models MODELS

Each detector is fitted on the 6,000 training images of a class at scale laptop, of which 600 are held out; ``--models``
keeps them. The false alarms are those among the class's 1,000 test images, the detections those among the others.

The interval is of the false alarms to be expected where normal test images are like the held-out ones. The threshold is
the m-th largest of n held-out scores, so the share of all normal images above it is Beta(m, n + 1 - m), and the count
among N test images is beta-binomial: this has the chance of either sample in it.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from scipy.stats import betabinom

from adcgan import AnomalyDetector
from adcgan.data.datasets import load
from adcgan.detector import rank
from adcgan.experiments.files import written
from adcgan.experiments.provenance import choose_device, device_description
from adcgan.scoring import auroc

METHODS = ("adcgan", "pca", "knn")
RATE, LEVEL = 0.05, 0.95
RESULT = Path(__file__).parent / "results/false-alarms.json"


def row(dataset, label, method, models):
    """One detector's false alarms among normal test images, and detections in every other class; shares."""
    started = time.process_time()
    detector = AnomalyDetector(method, false_alarms=RATE)
    detector.fit(dataset.train_images[dataset.train_labels == label])
    seconds = time.process_time() - started
    if models:
        detector.names_ = [dataset.classes[label]]
        detector.save(models / f"{method}-{label}.safetensors")
    scores, labels = detector.anomaly_score(dataset.test_images), dataset.test_labels
    above = scores > detector.threshold_
    held, normal = len(detector.held_out_), int((labels == label).sum())
    m = rank(held, RATE)
    expected = betabinom(normal, m, held + 1 - m)
    return {
        "label": label, "class_name": dataset.classes[label], "method": method, "rate": RATE, "held_out": held,
        "normal": normal, "false_alarms": float(above[labels == label].mean()),
        "expected": [float(end) / normal for end in expected.interval(LEVEL)], "expected_mean": m / (held + 1),
        "detected": float(above[labels != label].mean()),
        "detected_by_class": {
            name: float(above[labels == other].mean()) for other, name in enumerate(dataset.classes) if other != label
        },
        "auroc": round(auroc(labels != label, scores), 5), "fit_processor_seconds": round(seconds, 1),
    }  # fmt: skip


def main():
    """Measure what is missing, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--classes", nargs="+", type=int, default=[1, 3, 5, 7, 9])
    parser.add_argument("--models", type=Path)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    dataset = load("fashion_mnist")
    rows = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    done = {(some["label"], some["method"]) for some in rows}
    for wanted in ((label, method) for label in given.classes for method in METHODS):
        if wanted in done:
            continue
        rows.append(row(dataset, *wanted, given.models))
        print(rows[-1], flush=True)
        about = {
            "kind": "false-alarms",
            "torch": torch.__version__,
            "device": device_description(choose_device("auto")),
        }
        written(given.out, (json.dumps(about | {"rows": rows}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
