"""A training again, and the score by epoch: as the records hold it, and shown as it is."""

import re

import numpy as np
import pytest
from companion import figures
from companion.analysis import statistics, tables
from companion.analysis.study import RECONSTRUCTION_STATISTICS, trainings
from companion.pages import cell_pages, charts, decision_pages, training_pages
from factories import write_format1, write_record
from test_study import of, picture_of, rows_of

from adcgan.scoring import COMPONENTS, SCORE

NAMES = {"NS", "reduction=sum", *COMPONENTS}


def read_after(*values):
    """What is read after each of AD-CGAN's twenty epochs, by reading: ``values`` of NS as fractions at the end.

    Of the warm-up 0.84, of other epochs 0.5; the other AUROCs are 0.1 above NS, and those of the other reading 0.05.
    """
    of_NS = [0.84] * 5 + [0.5] * (15 - len(values)) + list(values)
    return [
        {
            reading: {name: value + more + 0.1 * (name != "NS") for name in NAMES}
            for reading, more in ((SCORE, 0), (RECONSTRUCTION_STATISTICS, 0.05))
        }
        for value in of_NS
    ]


@pytest.fixture
def page_of(monkeypatch):
    """A page's function with ``records`` and ``repeats`` in the place of the committed ones."""

    def show(name, records, repeats=()):
        monkeypatch.setattr(training_pages, "committed", lambda: tuple(records))
        monkeypatch.setattr(training_pages, "repeated", lambda: tuple(repeats))
        return getattr(training_pages, name)().text

    return show


# --- by epoch ------------------------------------------------------------------------------------------------


def test_the_epochs_are_the_records_own_and_those_not_read_are_left_out(tmp_path):
    read = write_format1(tmp_path, "mnist", 0, watched=[{}] * 3 + read_after(0.7, 0.6)[3:])
    frame = trainings.epochs([read, write_format1(tmp_path, "mnist", 1), write_format1(tmp_path, "digits", 0)])
    assert frame["epoch"].tolist() == [epoch for epoch in range(4, 21) for _ in range(2)]
    own = frame[frame["reading"] == SCORE]
    assert own["warm_up"].sum() == 2 and len(own) == 17
    assert own["NS"].tolist()[-2:] == pytest.approx([70, 60]) and own["L_GR"].iloc[-1] == pytest.approx(70)
    changed = write_format1(tmp_path, "mnist", 2, watched=read_after(), contrastive="literal")
    today = write_record(tmp_path, "mnist", 2, per_epoch=[0.5] * 20)
    assert trainings.epochs([today]).empty, "of the old default alone"
    assert trainings.epochs([changed]).empty and trainings.chosen_epochs([changed]).empty


def test_a_training_of_which_only_the_end_was_read_has_no_figure_where_it_has_none(tmp_path, page_of):
    """Two epochs: no deviation over five, and not the epoch that would be the last with the warm-up counted in."""
    text = page_of("epochs", [write_format1(tmp_path, "mnist", 0, watched=[{}] * 18 + read_after(0.7, 0.6)[18:])])
    assert "nan" not in text
    first = next(row for row in rows_of(text) if "best epoch" in row)
    assert (first["epochs"], first["best"], first["sd of the last five"], first["warm-up included"]) == (
        "2",
        "70.0",
        "",
        "",
    )


def test_a_choice_of_the_epoch_is_among_the_adversarial_ones(tmp_path):
    read = write_format1(tmp_path, "mnist", 0, watched=read_after(0.8, 0.3, 0.6, 0.7, 0.65))
    frame = trainings.chosen_epochs([read])
    row = of(frame, read, score="NS", reading=SCORE)
    assert (row["last"], row["best"], row["at"], row["least"], row["epochs"]) == (
        pytest.approx(65), pytest.approx(80), 16, 30, 15)  # fmt: skip
    assert row["included"] == pytest.approx(50)
    assert row["sd"] == pytest.approx(np.std([80, 30, 60, 70, 65], ddof=1))
    assert row["published"] == tables.published()["mnist", "one-vs-all", 0]
    assert of(frame, read, score="reduction=sum", reading=SCORE)["best"] == pytest.approx(90)
    assert of(frame, read, score="NS", reading=RECONSTRUCTION_STATISTICS)["best"] == pytest.approx(85)


def test_the_mean_over_classes_counts_a_class_once_however_many_seeds_it_has(tmp_path):
    ends = [(0, 0, 0.8), (0, 1, 0.6), (1, 0, 0.5)]
    chosen = trainings.chosen_epochs(
        [write_format1(tmp_path, "mnist", label, seed, watched=read_after(end)) for label, seed, end in ends]
    )
    means = trainings.over_classes(chosen)
    assert means.loc[(SCORE, "NS"), "last"] == pytest.approx(60)
    own = chosen.query("score == 'NS' and reading == @SCORE").groupby("class")["sd"].mean()
    assert means.loc[(SCORE, "NS"), "sd"] == pytest.approx((own[0] + own[1]) / 2)
    chosen.loc[0, "included"] = np.nan  # what a class lacks, the mean lacks
    assert np.isnan(trainings.over_classes(chosen).loc[(SCORE, "NS"), "included"])


def test_the_page_of_epochs_draws_each_cell_and_shows_its_frame(tmp_path, page_of):
    cells = [
        write_format1(tmp_path, "mnist", 0, watched=read_after(0.8, 0.6)),
        write_format1(tmp_path, "fashion_mnist", 5, watched=read_after(0.7, 0.65)),
    ]
    text = page_of("epochs", cells)
    _, label = picture_of(text)
    assert "every epoch" in label
    means = [row for row in rows_of(text) if "best less last" in row]
    assert [(row["reading"], row["score"]) for row in means[:2]] == [("as scored", "NS"), ("as scored", "printed sums")]
    assert (means[0]["cells"], means[0]["last"], means[0]["best"]) == ("2", "62.5", "75.0")
    assert means[0]["best less last"] == "+12.5" and means[2]["reading"] == RECONSTRUCTION_STATISTICS
    first = next(row for row in rows_of(text) if "best epoch" in row)
    assert (first["last"], first["least"], first["best"], first["best epoch"]) == ("60.0", "50.0", "80.0", "19")
    drawn = figures.epochs(trainings.epochs(cells).assign(published=1.0))
    assert len([axis for axis in drawn.axes if axis.get_visible()]) == 2


def test_without_such_records_the_pages_say_so(tmp_path, page_of):
    record = write_format1(tmp_path, "mnist", 0)
    assert "read after every epoch yet" in page_of("epochs", [record])
    assert "more than once yet" in page_of("again", [record])


def test_a_cells_page_has_the_auroc_by_epoch_where_it_was_read(tmp_path, monkeypatch):
    monkeypatch.setattr(cell_pages, "ROOT", tmp_path)
    former = write_format1(tmp_path, "mnist", 0, watched=read_after(0.8, 0.6))
    today = write_record(tmp_path, "mnist", 0, per_epoch=[None] * 10 + [0.5] * 8 + [0.8, 0.6])
    for read, other in ((former, "printed sums"), (today, "means")):
        section = cell_pages.section(read)
        assert "AUROC by epoch" in section and "no epoch was chosen by it" in section
        drawn = charts.watched(read)
        assert re.findall(r"last ([\d.]+)", drawn)[0] == "60" and f"{other} by epoch" in drawn
    assert [charts._short(value) for value in (99.94, 100, 7.123, 0.0196)] == ["100", "100", "7.1", "0.02"]
    for unread in (write_format1(tmp_path, "mnist", 1), write_record(tmp_path, "mnist", 1)):
        assert "AUROC by epoch" not in cell_pages.section(unread)


def test_the_open_choices_say_what_another_epoch_would_move(tmp_path, monkeypatch):
    values = [0.8] * 9 + [0.7] + [0.6] * 5  # after 15 of 20 epochs, 5 of them the warm-up's: 0.7
    cells = [write_format1(tmp_path, "mnist", label, watched=read_after(*values)) for label in range(3)]
    monkeypatch.setattr(decision_pages, "committed", lambda: tuple(cells))
    rows = {row["no."]: row for row in rows_of(decision_pages.decisions().text)}
    measured = {number: row["measured"] for number, row in rows.items()}
    assert rows["33"]["recipe printed"].startswith("the last")
    assert "the best by the test's labels, no result: +20.0 (+20.0 to +20.0) points, 3 cells" in measured["33"]
    assert "warm_up_count=included, read after that epoch: +10.0 (+10.0 to +10.0) points, 3 cells" in measured["18"]


# --- again ---------------------------------------------------------------------------------------------------


def test_a_class_trained_more_than_once_has_all_its_trainings(tmp_path):
    one, two = write_format1(tmp_path / "runs", "mnist", 0), write_format1(tmp_path / "runs", "mnist", 0, 1)
    alone = write_format1(tmp_path / "runs", "mnist", 1)
    repeat = write_format1(tmp_path / "repeats", "mnist", 0, finished="2025-01-01T00:00:00+00:00", scale=2)
    frame = trainings.again([two, alone, one], [repeat])
    assert frame["seed"].tolist() == [0, 0, 1] and frame["finished"].iloc[0].startswith("2025")
    assert frame["NS"].tolist()[1:] == pytest.approx([100 * one.auroc["NS"], 100 * two.auroc["NS"]])
    changed = write_format1(tmp_path / "runs", "mnist", 1, contrastive="literal")
    assert trainings.again([alone, changed]).empty


def test_the_spread_is_pooled_over_the_classes(tmp_path):
    frame = trainings.again(
        [write_format1(tmp_path, "mnist", label, seed) for label in (0, 3) for seed in range(2 + (label == 3))]
    )
    spread = trainings.spread(frame).set_index("score")
    for name in NAMES:
        squares = sum(((part[name] - part[name].mean()) ** 2).sum() for _, part in frame.groupby("class"))
        assert spread.loc[name, "sd"] == pytest.approx(np.sqrt(squares / 3))
    assert spread["classes"].eq(2).all() and spread["trainings"].eq(5).all()


def test_the_page_of_trainings_shows_every_one_and_what_they_make_of_a_difference(tmp_path, page_of):
    cells = [write_format1(tmp_path / "runs", "mnist", 0, seed) for seed in range(3)]
    repeat = write_format1(tmp_path / "repeats", "mnist", 0)
    text = page_of("again", cells, [repeat])
    rows = rows_of(text)
    assert [row["cell"] for row in rows[:4]] == ["0 name 0, seed 0"] * 2 + ["0 name 0, seed 1", "0 name 0, seed 2"]
    assert rows[2]["NS"] == f"{100 * cells[1].auroc['NS']:.1f}" and rows[2]["device"] == "test, 1 thread"
    values = [100 * record.auroc["NS"] for record in [*cells, repeat]]
    sd, low, high = statistics.pooled_deviation([values])
    deviation = next(row for row in rows if row.get("score") == "NS")
    assert deviation["standard deviation"] == f"{sd:.1f}" and deviation["interval"] == f"{low:.1f} to {high:.1f}"
    assert "autoencoder" not in text
    assert f"a standard error of {sd * np.sqrt(2 / 3):.1f} points" in text
    assert rows[2]["revision"] == "<code>abc</code>" and rows[2]["resumed"] == "0"


def test_the_autoencoders_spread_stands_below_adcgans(tmp_path, page_of):
    cells = [write_format1(tmp_path, "mnist", 0, seed) for seed in range(2)]
    places = [(0, 0), (0, 1), (0, 2), (5, 0), (5, 1), (7, 0)]  # the last class once: it says nothing
    alone = [write_format1(tmp_path, "mnist", *place, method="autoencoder", study=False) for place in places]
    values = [[100 * record.auroc["NS"] for record in some] for some in (alone[:3], alone[3:5])]
    sd, low, high = statistics.pooled_deviation(values)
    assert trainings.spread_of([*cells, *alone], "autoencoder") == {
        "score": "autoencoder", "classes": 2, "trainings": 5, "sd": sd, "low": low, "high": high,
    }  # fmt: skip
    assert trainings.spread_of([*cells, alone[0]], "autoencoder") == {}
    last = rows_of(page_of("again", [*cells, *alone], []))[-1]
    assert (last["score"], last["classes"], last["trainings"]) == ("the baseline autoencoder", "2", "5")
    assert last["standard deviation"] == f"{sd:.1f}" and last["interval"] == f"{low:.1f} to {high:.1f}"


def test_a_pooled_deviation_is_about_the_groups_own_means_and_its_interval_holds_the_true_one():
    assert statistics.pooled_deviation([[1, 3], [10, 10], [5]])[0] == pytest.approx(1.0)
    assert np.isnan(statistics.pooled_deviation([[1], [2]])).all()
    sd, low, high = statistics.pooled_deviation([[1, 3], [2, 4]])
    assert sd == pytest.approx(np.sqrt(2)) and np.isnan([low, high]).all()
    random, held = np.random.default_rng(0), 0
    for _ in range(2000):
        _, low, high = statistics.pooled_deviation(random.normal([[3], [70], [50]], 4, (3, 3)))
        held += low <= 4 <= high
    assert 0.935 < held / 2000 < 0.965
