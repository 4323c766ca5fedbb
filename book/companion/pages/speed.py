"""What runs cost here and on this machine, and how fast steps are."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from adcgan.data.datasets import TITLES
from adcgan.experiments.records import Record

from ..analysis import speed, tables
from ..html import Html, counted, duration, joined, note, number, plain
from ..records import MODEL_OF


def local_run(records: Sequence[Record], mine: Sequence[Record]) -> Html:
    """The digits runs that `make book` made on this machine, ``mine``, beside the committed ones."""
    reruns = {str(record.run): record for record in mine}
    rows = []
    for record in records:
        if record.run.dataset == "digits" and record.former is None:
            rerun = reruns.get(str(record.run))
            same = rerun is not None and (rerun.scores == record.scores).all()
            rows.append(
                {
                    "run": str(record.run),
                    "committed, AUROC %": number(100 * record.auroc["NS"]),
                    "this machine, AUROC %": number(100 * rerun.auroc["NS"]) if rerun else "not run",
                    "scores": "" if rerun is None else "the same to the bit" if same else "differ",
                }
            )
    return plain(pd.DataFrame(rows), "The run on digits: ours and this machine's", ("scores",)) if rows else Html()


def costs(records: Sequence[Record]) -> Html:
    """Median times of the tables' runs, training and scoring: a table a device, a line a method."""
    frame = tables.runs(records)
    frame = frame[frame["changes"].str.fullmatch(r"(test_images=\d+)?")]
    share = frame["changes"].str.removeprefix("test_images=")
    frame["scheme"] += frame["scale"].map(lambda scale: f", scale {scale}", na_action="ignore").fillna("")
    frame["method"] += frame["recipe"].map(lambda recipe: f"-{recipe}", na_action="ignore").fillna("")
    frame["scheme"] += share.map(lambda count: f", {int(count):,} test images" if count else "")
    parts = []
    for (device, threads), part in frame.groupby(["device", "threads"], sort=False):
        trained, scored = (
            part.pivot_table(f"{what}_seconds", ["method", "scheme"], "dataset", "median", sort=False)
            for what in ("train", "score")
        )
        shown = trained.map(duration, na_action="ignore") + " + " + scored.map(duration, na_action="ignore")
        shown = shown[[name for name in dict.fromkeys([*TITLES, *shown]) if name in shown]]  # a user's own last
        shown = shown.fillna("").rename(index=MODEL_OF, columns=TITLES).reset_index()
        where = f"{device}, {counted(threads, 'thread', 'threads')}"
        parts.append(plain(shown, f"What a run cost, training + scoring, medians: {where}", ("scheme",)))
    return joined(parts) or note("No run is recorded yet.")


def speeds(directory: Path | str) -> Html:
    """Every committed measurement of `benchmarks/throughput.py`, and what AD-CGAN's grid would take at its rates."""
    parts = []
    for result in speed.results(Path(directory)):
        where = f"{result['device']['name']}, {result['device']['threads']} threads, torch {result['torch']}"
        frame = speed.training(result)
        shown = pd.DataFrame(
            {
                "method": frame["method"],
                "pixels": frame["image_size"],
                "networks": frame["architecture"].fillna(""),
                "path": frame["path"],
                "runs at once": frame["jobs"],
                "steps/s": frame["steps_per_second"].map("{:.2f}".format),
                "TFLOP/s": frame["tflops"].map("{:.3f}".format),
                "of matmul": (100 * frame["share_of_matmul"]).map("{:.0f} %".format),
                "ratio to eager": frame["ratio_to_eager"].map("{:.2f}".format),
                "GiB": [f"{value / 2**30:.2f}" if value == value and value else "" for value in frame["peak_bytes"]],
            }
        )
        parts.append(plain(shown, f"Training steps: {where}", ("networks", "path")))
        frame = speed.scoring(result)
        frame["images_per_second"] = frame["images_per_second"].map("{:.0f}".format)
        names = {
            "image_size": "pixels",
            "architecture": "networks",
            "batch_size": "batch",
            "images_per_second": "images/s",
        }
        parts.append(plain(frame.fillna("").rename(columns=names), f"Scoring: {where}", ("networks",)))
        frame = speed.projection(result)
        frame = frame[frame["hours"].notna()]
        if len(frame):
            total = frame["hours"].sum()
            shown = pd.DataFrame(
                {
                    "data set": frame["dataset"].map(TITLES),
                    "scheme": frame["scheme"],
                    "runs": frame["runs"],
                    "steps": frame["steps"].map("{:,}".format),
                    "steps/s": frame["steps_per_second"].map("{:.2f}".format),
                    "hours": frame["hours"].map("{:.1f}".format),
                }
            )
            caption = f"The parts of AD-CGAN's grid with a measured rate, at the best: {total:.1f} hours, {where}"
            parts.append(plain(shown, caption, ("scheme",)))
    return joined(parts) or note("Nothing was measured yet: make bench.")
