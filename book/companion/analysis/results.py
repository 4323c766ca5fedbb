"""Tables 1 to 4 as downloads: tidy frames at full precision, each column described, as CSV and JSON (no torch).

The frames are those of `companion.analysis.tables`, with the difference to the paper and, per class, the verdict.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from adcgan.config import SCALES
from adcgan.experiments.records import Record

from . import tables, variants

TITLES = {
    1: "Table 1: mean AUROC over the classes of a data set",
    2: "Table 2: layers of each network",
    3: "Table 3: AUROC of every class",
    4: "Table 4: mean AUROC over classes for the score's variants",
}
COLUMNS = {
    "scale": "paper or laptop; library baselines, which have none, stand in both",
    "dataset": "data set",
    "scheme": "one-vs-all (the class named is normal) or all-vs-one (it is anomalous)",
    "class": "number of the class",
    "class_name": "name of the class",
    "model": "method, as the paper names it where it does; AD-CGAN: recipe printed",
    "variant": "variant of AD-CGAN's score, equations 4 and 5",
    "lambda": "lambda of equation 4",
    "rho": "rho of equation 4; empty where the paper gives none",
    "module": "network",
    "kind": "conv, deconv (transposed) or linear layers",
    "paper": "the published figure: AUROC in percent, in Table 2 a number of layers; empty where the paper gives none",
    "plus_minus": "the paper's plus/minus as printed, a fraction",
    "origin": "the paper's mark: reimplemented (dagger) or quoted (star)",
    "ours": "measured AUROC in percent: mean over seeds, then over classes; empty while a run or a class is missing",
    "difference": "ours less the paper's, AUROC points",
    "low": "lower end of the 95 % interval of ours, percent (AD-CGAN's cells)",
    "high": "upper end of the 95 % interval of ours, percent (AD-CGAN's cells)",
    "verdict": "reproduced, not reproduced, undecided or incomplete, by one rule (AD-CGAN's cells)",
    "sd": "sample standard deviation over seeds, AUROC points",
    "classes": "classes run",
    "of_classes": "classes of the data set",
    "seeds": "seeds run, the least of any class in a mean",
    "of_seeds": "seeds planned",
    "share": "least number of test images scored where not all were, else 0",
    "remarks": "reconstructs worse than a mean picture, ended by its cap; empty where there is neither",
    "t2r": "layers of our networks T2-R, the default",
    "t2p": "layers of our networks T2-P",
}


def frame(number: int, records: Iterable[Record]) -> pd.DataFrame:
    """Table 1, 2, 3 or 4, one row per figure; `columns` describes it."""
    records = list(records)
    if number == 2:
        return tables.table2()
    make = {1: tables.table1, 3: tables.table3, 4: tables.table4}[number]
    table = pd.concat([make(records, scale).assign(scale=scale) for scale in SCALES], ignore_index=True)
    table["difference"] = table["ours"] - table["paper"]
    if number == 4:
        table["of_seeds"] = tables.SEEDS
    if number == 3:
        cell = ["scale", "dataset", "scheme", "class", "model"]
        verdicts = variants.verdicts(records).assign(model="AD-CGAN", scale=SCALES[0]).set_index(cell)
        table = table.join(verdicts[["low", "high", "verdict"]].astype({"low": float, "high": float}), on=cell)
    seeds = [name for name in table if name.startswith("seed_")]
    return table[[name for name in COLUMNS if name in table] + seeds]


def columns(table: pd.DataFrame) -> dict[str, str]:
    """What each column of a frame holds."""
    return {name: COLUMNS.get(name) or f"AUROC in percent of seed {name.removeprefix('seed_')}" for name in table}


def behind(number: int, records: Iterable[Record]) -> list[Record]:
    """The records that enter Table 1, 2, 3 or 4."""
    if number == 2:
        return []
    records = list(records)
    if number == 4:
        return [record for scale in SCALES for record in tables.of_adcgan(records, scale)]
    found = {str(r.directory): r for scale in SCALES for r in tables.planned(records, scale)}
    return [record for record in found.values() if record.run.dataset in tables.FORMATS]


def content(number: int, records: Iterable[Record]) -> dict:
    """What a table's JSON file holds: title, columns, the revisions of the code behind it, rows; None where empty."""
    records = list(records)
    table = frame(number, records)
    codes = [record.content["code"] for record in behind(number, records)]
    revisions = Counter((str(code["revision"]), bool(code["dirty"])) for code in codes)
    return {
        "title": TITLES[number],
        "columns": columns(table),
        "code_revisions": [
            {"revision": revision, "changed": changed, "records": count}
            for (revision, changed), count in sorted(revisions.items())
        ],
        "rows": table.astype(object).where(table.notna(), None).to_dict("records"),
    }


def write(directory: Path, records: Iterable[Record]) -> list[Path]:
    """Write tableN.csv and tableN.json for each table into ``directory``; the paths written."""
    records = list(records)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for number in TITLES:
        held = content(number, records)
        csv, text = directory / f"table{number}.csv", directory / f"table{number}.json"
        pd.DataFrame(held["rows"], columns=list(held["columns"])).to_csv(csv, index=False)
        text.write_text(json.dumps(held, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        written += [csv, text]
    return written
