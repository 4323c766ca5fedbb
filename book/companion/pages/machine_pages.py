"""What the book says of machines: the run that `make book` made here, what cells cost, how fast steps are."""

import pandas as pd

from adcgan.data.datasets import TITLES
from adcgan.experiments.records import read_all

from ..analysis import speed, tables
from .common import MODEL_OF, ROOT, committed
from .html import Html, counted, duration, note, plain

LOCAL = ROOT / "build" / "runs"  # what `make book` trained on this machine


def local_run() -> Html:
    """The digits run that `make book` made on this machine, beside the committed one."""
    mine = {str(record.run): record for record in read_all(LOCAL)} if LOCAL.exists() else {}
    rows = []
    for record in committed():
        if record.run.dataset != "digits":
            continue
        rerun = mine.get(str(record.run))
        same = rerun is not None and (rerun.scores == record.scores).all()
        rows.append(
            {
                "cell": str(record.run),
                "committed, AUROC %": f"{100 * record.auroc['NS']:.1f}",
                "this machine, AUROC %": f"{100 * rerun.auroc['NS']:.1f}" if rerun else "not run",
                "scores": ""
                if rerun is None
                else "the same to the bit"
                if same
                else "differ in the last digits or more",
            }
        )
    return plain(pd.DataFrame(rows), "The run on digits: ours and this machine's", ("scores",))


def costs() -> Html:
    """Median times of recorded cells, training and scoring: a table per device, lines by method, columns by data set.

    Of cells at the paper's settings, and of those that score a share of the test images, which the line says.
    """
    frame = tables.runs(committed())
    frame = frame[frame["changes"].str.fullmatch(r"(test_images=\d+)?")]
    share = frame["changes"].str.removeprefix("test_images=")
    frame["scheme"] += frame["scale"].map(lambda scale: f", scale {scale}", na_action="ignore").fillna("")
    frame["method"] += frame["recipe"].map(lambda recipe: f"-{recipe}", na_action="ignore").fillna("")
    frame["scheme"] += share.map(lambda count: f", {int(count):,} test images" if count else "")
    html = Html("")
    for (device, threads), part in frame.groupby(["device", "threads"], sort=False):
        trained, scored = (
            part.pivot_table(f"{what}_seconds", ["method", "scheme"], "dataset", "median", sort=False)
            for what in ("train", "score")
        )
        shown = trained.map(duration, na_action="ignore") + " + " + scored.map(duration, na_action="ignore")
        shown = shown[[name for name in dict.fromkeys([*TITLES, *shown]) if name in shown]]  # a user's own last
        shown = shown.fillna("").rename(index=MODEL_OF, columns=TITLES).reset_index()
        where = f"{device}, {counted(threads, 'thread', 'threads')}"
        html += plain(shown, f"What a cell cost, training + scoring, medians: {where}", ("scheme",))
    return html if html.text else note("No run is recorded yet.")


def targets() -> Html:
    """What is asked of the fast path and of scoring, and what was measured."""
    frame = speed.targets(ROOT / "benchmarks" / "results")
    frame["measured"] = [f"{value:.3g}" if value == value else "" for value in frame["measured"]]
    frame["device"] = frame["device"].map({"cuda": "GPU", "cpu": "CPU"})
    frame = frame[["asked", "device", "bound", "measured", "met", "on"]]
    return plain(frame, "AD-CGAN T2-R: what is asked and what was measured", ("device", "bound", "on", "met"))


def speeds() -> Html:
    """Every committed measurement of `benchmarks/throughput.py`, and what AD-CGAN's grid would take at its rates."""
    html = Html("")
    for result in speed.results(ROOT / "benchmarks" / "results"):
        where = f"{result['device']['name']}, {result['device']['threads']} threads, torch {result['torch']}"
        frame = speed.training(result)
        shown = pd.DataFrame(
            {
                "method": frame["method"],
                "pixels": frame["image_size"],
                "networks": frame["architecture"].fillna(""),
                "path": frame["path"],
                "cells at once": frame["jobs"],
                "steps/s": frame["steps_per_second"].map("{:.2f}".format),
                "TFLOP/s": frame["tflops"].map("{:.3f}".format),
                "of matmul": (100 * frame["share_of_matmul"]).map("{:.0f} %".format),
                "ratio to eager": frame["ratio_to_eager"].map("{:.2f}".format),
                "GiB": [f"{value / 2**30:.2f}" if value == value and value else "" for value in frame["peak_bytes"]],
            }
        )
        html += plain(shown, f"Training steps: {where}", ("networks", "path"))
        frame = speed.scoring(result)
        frame["images_per_second"] = frame["images_per_second"].map("{:.0f}".format)
        names = {
            "image_size": "pixels",
            "architecture": "networks",
            "batch_size": "batch",
            "images_per_second": "images/s",
        }
        html += plain(frame.fillna("").rename(columns=names), f"Scoring: {where}", ("networks",))
        frame = speed.projection(result)
        frame = frame[frame["hours"].notna()]
        if len(frame):
            total = frame["hours"].sum()
            shown = pd.DataFrame(
                {
                    "data set": frame["dataset"].map(TITLES),
                    "scheme": frame["scheme"],
                    "cells": frame["cells"],
                    "steps": frame["steps"].map("{:,}".format),
                    "steps/s": frame["steps_per_second"].map("{:.2f}".format),
                    "hours": frame["hours"].map("{:.1f}".format),
                }
            )
            caption = f"The parts of AD-CGAN's grid with a measured rate, at the best: {total:.1f} hours, {where}"
            html += plain(shown, caption, ("scheme",))
    return html if html.text else note("Nothing was measured yet: make bench.")
