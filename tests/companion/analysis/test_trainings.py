"""What chance and time do to a training: repeats, the spread over seeds, the AUROC by epoch."""

import numpy as np
import pytest
from companion.analysis import statistics, tables, trainings
from factories import DEVICE, write_record

WARM_UP = 5  # epochs, one-vs-all


def ns(*records):
    return [100 * record.auroc["NS"] for record in records]


def test_classes_trained_more_than_once_are_listed_with_what_differed(tmp_path):
    first, second = write_record(tmp_path), write_record(tmp_path, repeat=1, device=DEVICE | {"threads": 8})
    seed = write_record(tmp_path, seed=1)
    once = [write_record(tmp_path, label=1), write_record(tmp_path, rho=0.25), write_record(tmp_path, scale="laptop")]
    frame = trainings.again([seed, *once, second, first])
    assert list(zip(frame["seed"], frame["repeat"], strict=True)) == [(0, 0), (0, 1), (1, 0)]
    assert list(frame["NS"]) == pytest.approx(ns(first, second, seed)) and list(frame["threads"]) == [1, 8, 1]
    assert (frame["change"] == "").all() and set(frame["revision"]) == {"abc"}


def test_the_spread_is_pooled_over_the_classes_of_one_method_scale_and_change(tmp_path):
    zero = [write_record(tmp_path, seed=seed) for seed in (0, 1, 2)]
    one = [write_record(tmp_path, label=1), write_record(tmp_path, label=1, repeat=1)]
    alone = [write_record(tmp_path, label=2), write_record(tmp_path, scale="laptop"), write_record(tmp_path, rho=0.25)]
    alad = [write_record(tmp_path, method="alad", seed=seed, scale="laptop") for seed in (0, 1)]
    library = [write_record(tmp_path, method="isolation_forest", seed=seed) for seed in (0, 1)]
    printed, other = trainings.spread([*zero, *one, *alone, *alad, *library]).to_dict("records")
    assert (printed["method"], printed["scale"], printed["change"]) == ("adcgan-printed", "paper", "")
    assert (printed["classes"], printed["trainings"]) == (2, 5)
    pooled = statistics.pooled_deviation([ns(*zero), ns(*one)])
    assert (printed["sd"], printed["low"], printed["high"]) == pytest.approx(pooled)
    assert (other["method"], other["sd"]) == ("alad", pytest.approx(np.std(ns(*alad), ddof=1)))


def test_the_classes_run_at_both_scales_are_paired(tmp_path):
    laptop = [write_record(tmp_path, scale="laptop", seed=seed) for seed in (0, 1)]
    paper = write_record(tmp_path)
    coder = [write_record(tmp_path, method="autoencoder", scale=scale, label=1) for scale in ("laptop", "paper")]
    alone = [
        write_record(tmp_path, label=2),
        write_record(tmp_path, label=3, scale="laptop"),
        write_record(tmp_path, method="pca"),
    ]
    first, second = trainings.scales([*laptop, paper, *coder, *alone]).to_dict("records")
    assert (first["model"], first["dataset"], first["scheme"], first["class"]) == ("AD-CGAN", "mnist", "one-vs-all", 0)
    assert (first["laptop"], first["paper"]) == pytest.approx((np.mean(ns(*laptop)), 100 * paper.result))
    assert (second["model"], second["class"]) == ("autoencoder", 1)
    assert second["difference"] == pytest.approx(100 * (coder[1].result - coder[0].result))


def test_the_epochs_read_are_numbered_from_1_and_a_choice_of_one_is_set_beside_the_last(tmp_path):
    read = [0.4, None, 0.45, 0.88, 0.5, 0.6, 0.85, None, 0.55, 0.7, 0.8]
    record = write_record(tmp_path, per_epoch=read)
    frame = trainings.epochs([record, write_record(tmp_path, label=1)])
    known = {epoch: 100 * value for epoch, value in enumerate(read, 1) if value}
    assert dict(zip(frame["epoch"], frame["NS"], strict=True)) == pytest.approx(known)
    assert list(frame["warm_up"]) == [epoch <= WARM_UP for epoch in known]
    assert list(frame["L_GD"]) == pytest.approx([value + 10 for value in known.values()])
    (row,) = trainings.chosen_epochs([record]).to_dict("records")
    assert (row["epochs"], row["at"]) == (5, 7), "the warm-up's 88 is of E and G alone"
    assert (row["best"], row["least"], row["last"]) == pytest.approx((85, 55, 80))
    assert row["sd"] == pytest.approx(np.std([60, 85, 55, 70, 80], ddof=1))
    assert row["published"] == tables.published().loc["mnist", "one-vs-all", 0]
    (row,) = trainings.adversarial([record]).to_dict("records")
    assert (row["before"], row["after"]) == pytest.approx((50, 80)), "the last epoch read of either part"
    short = trainings.chosen_epochs([write_record(tmp_path, label=2, per_epoch=read[:7])])
    assert np.isnan(short["sd"].item()) and short["epochs"].item() == 2


def test_without_records_the_frames_are_empty():
    frames = trainings.again, trainings.spread, trainings.scales, trainings.epochs
    for frame in (*frames, trainings.adversarial, trainings.chosen_epochs):
        assert frame([]).empty
