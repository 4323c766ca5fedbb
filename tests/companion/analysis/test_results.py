"""The tables' files for download: what a row holds, and that they read back as the frame."""

import json

import numpy as np
import pandas as pd
import pytest
from companion.analysis import results
from factories import write_record

CELL = {"dataset": "fashion_mnist", "scheme": "one-vs-all", "class": 1, "model": "AD-CGAN"}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Fashion-MNIST's class 1 with two of three seeds at each scale, MNIST's class 0 with one, and an ablation."""
    runs = tmp_path_factory.mktemp("runs")
    seeds = [write_record(runs, "fashion_mnist", label=1, seed=seed, scale=scale)
             for scale, some in (("paper", (0, 2)), ("laptop", (0, 1))) for seed in some]  # fmt: skip
    return [*seeds, write_record(runs), write_record(runs, rho=0.25)]


def test_a_row_holds_each_seed_its_difference_and_the_verdict(records):
    frame = results.frame(3, records)
    by_scale = {scale: frame[(frame[[*CELL, "scale"]] == [*CELL.values(), scale]).all(axis=1)].iloc[0]
                for scale in ("paper", "laptop")}  # fmt: skip
    first, second, third, fourth = (100 * record.result for record in records[:4])
    row = by_scale["paper"]
    assert (row["seed_0"], row["seed_2"]) == (first, second) and np.isnan(row["seed_1"])
    assert row["difference"] == pytest.approx((first + second) / 2 - row["paper"])
    assert row["verdict"] == "incomplete" and row["low"] < row["ours"] < row["high"]
    other = by_scale["laptop"]
    assert other["ours"] == pytest.approx((third + fourth) / 2) and other["paper"] == row["paper"]
    assert other[["verdict", "low", "high"]].isna().all(), "the rule is for the paper's scale"
    assert frame["verdict"].count() == 2 and frame["difference"].count() == 3


@pytest.mark.parametrize("measured", [True, False])
def test_the_files_read_back_as_the_frame_with_every_column_described(records, tmp_path, measured):
    some = records if measured else []
    written = {path.name: path for path in results.write(tmp_path / "site", some)}
    assert len(written) == 8
    for number in results.TITLES:
        frame = results.frame(number, some)
        csv = pd.read_csv(written[f"table{number}.csv"])
        held = json.loads(written[f"table{number}.json"].read_text())
        assert held["title"] == results.TITLES[number]
        assert list(held["columns"]) == list(csv.columns) == list(frame.columns)
        assert all(len(text) > 3 for text in held["columns"].values())
        for name in frame:
            for read in (csv[name], pd.Series([row[name] for row in held["rows"]])):
                assert list(read.isna()) == list(frame[name].isna())
                assert list(read.dropna()) == list(frame[name].dropna())
        counts = {1: 5, 2: 0, 3: 5, 4: 5} if measured else {}
        assert sum(code["records"] for code in held["code_revisions"]) == counts.get(number, 0)
        assert {code["revision"] for code in held["code_revisions"]} <= {"abc"}
