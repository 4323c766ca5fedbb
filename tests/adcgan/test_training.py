"""Epochs, checkpoints and resume: to the same bits after a kill, refusing what is damaged, foreign or diverged."""

import random
import signal
import time

import numpy as np
import pytest
import torch
from small import refusal, train

from adcgan import training
from adcgan.config import configure
from adcgan.experiments import records, run
from adcgan.methods.base import Method
from adcgan.training import Diverged

CPU = torch.device("cpu")


class Diary(Method):
    """The smallest method: it has one weight, learns nothing, and writes down which images came when."""

    def __init__(self, config):
        super().__init__(config, CPU)
        self.networks = {"N": torch.nn.Linear(1, 1)}
        self.optimisers = {"N": torch.optim.Adam(self.networks["N"].parameters())}
        self.networks["N"].eval()
        self.batches = []

    def step(self, x, epoch):
        assert self.networks["N"].training
        self.batches.append((epoch, (255 * x[:, 0, 0, 0]).round().int().tolist()))
        torch.rand(1)  # as a method does: it must not change the order of the images
        return {"loss": torch.tensor(float(len(self.batches)))}

    def validate(self, images):
        self.networks["N"].eval()
        return {"validation": float(images[0, 0, 0, 0])}

    def images_of(self, epoch):
        return [image for at, batch in self.batches if at == epoch for image in batch]


@pytest.fixture
def numbered():
    """Thirty-seven images, each of its own grey."""
    return np.broadcast_to(np.arange(37, dtype=np.uint8)[:, None, None, None], (37, 28, 28, 1)).copy()


@pytest.fixture
def diary(small_config, numbered, tmp_path):
    """A `Diary` and its training's history, from a checkpoint in ``tmp_path``."""

    def train(seed=0, checkpoint="checkpoint.pt", identity="this run", how=None, **options):
        method = Diary(small_config(**{"batch_size": 8} | options))
        history = training.train(
            method, numbered, seed=seed, checkpoint=tmp_path / checkpoint, identity=identity, title="diary", **how or {}
        )
        return method, history

    return train


def wait_for_checkpoint(process, path, newer_than=0):
    while not path.exists() or path.stat().st_mtime_ns <= newer_than:
        assert process.poll() is None, "the run ended before its checkpoint was seen"
        time.sleep(0.005)


def test_few_images_come_again_in_another_order_until_an_epoch_is_full_and_quietly_where_asked(diary, capsys):
    method, _ = diary(epochs=1, warm_up_epochs=0, epoch_images=100, how=dict(repeat=True, quiet=True))
    images = method.images_of(0)
    assert len(images) == 96 and capsys.readouterr().err == ""
    assert sorted(images[:37]) == sorted(images[37:74]) == list(range(37)) and images[:37] != images[37:74]
    method, _ = diary(epochs=1, warm_up_epochs=0, epoch_images=100, checkpoint="other.pt")
    assert len(method.images_of(0)) == 32 and "epoch 1/1" in capsys.readouterr().err


def test_a_run_killed_and_interrupted_at_random_moments_ends_in_the_same_bits(
    command, record, run_options, digits, tmp_path, capsys
):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in run_options.items()]
    arguments = ["run", "--dataset", "digits", "--classes", "0", "--device", "cpu", "--runs", tmp_path, *options]
    directory = record.run.directory(tmp_path)
    checkpoint, seen = directory / records.CHECKPOINT, 0
    for stop in (signal.SIGKILL, signal.SIGINT):
        process = command.start(*arguments)
        wait_for_checkpoint(process, checkpoint, seen)
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(stop)
        _, shown = process.communicate()
        if stop == signal.SIGINT:
            assert process.returncode == 130 and shown.endswith("continues from the last complete epoch\n")
        else:
            assert process.returncode == -signal.SIGKILL
        assert not (directory / records.RECORD).exists()
        seen = checkpoint.stat().st_mtime_ns
    run.execute(record.run, digits, tmp_path, "cpu")
    assert "continues after epoch" in capsys.readouterr().err
    resumed = records.read(directory / records.RECORD, tmp_path)
    assert resumed.content["cost"]["resumed"] == 2
    assert resumed.content["losses"] == record.content["losses"]
    for name in ("scores", "labels", "anomalous"):
        assert getattr(resumed, name).tobytes() == getattr(record, name).tobytes()
    assert {name: values.tobytes() for name, values in resumed.components.items()} == {
        name: values.tobytes() for name, values in record.components.items()
    }
    assert resumed.per_epoch == record.per_epoch
    assert resumed.content["model"] == record.content["model"], "the weights too"
    names = {"model.safetensors", "pictures.png", "record.json", "scores.npz"}
    assert {path.name for path in directory.iterdir()} - {run.LOCK} == names, "no checkpoint"


def test_the_order_of_images_follows_from_seed_epoch_and_shuffle_alone(diary):
    method, _ = diary(epochs=3)
    torch.manual_seed(99)
    again, _ = diary(checkpoint="again.pt", epochs=3)
    assert [method.images_of(epoch) for epoch in range(4)] == [again.images_of(epoch) for epoch in range(4)]
    orders = {
        place: training._order(37, 1, *place).tolist()
        for place in [(seed, epoch, shuffle) for seed in range(3) for epoch in range(3) for shuffle in range(3)]
    }
    assert all(sorted(order) == list(range(37)) for order in orders.values())
    assert len(set(map(tuple, orders.values()))) == 27
    passes = training._order(37, 3, 0, 0, 1).view(3, 37)
    assert (passes.sort(1).values == torch.arange(37)).all() and len(passes.unique(dim=0)) == 3


@pytest.mark.parametrize(("last_batch", "sizes"), [("drop", [8, 8]), ("keep", [8, 8, 4])])
def test_an_epoch_may_be_the_first_images_of_its_permutation(diary, last_batch, sizes):
    whole, _ = diary(checkpoint="whole.pt", last_batch="keep")
    method, history = diary(epoch_images=20, last_batch=last_batch)
    assert [len(batch) for epoch, batch in method.batches if epoch == 0] == sizes and len(history.losses) == 3
    for epoch in range(3):
        assert method.images_of(epoch) == whole.images_of(epoch)[: sum(sizes)]
    assert set(method.images_of(0)) != set(method.images_of(1)), "every epoch others"
    every, _ = diary(checkpoint="more.pt", epoch_images=1000, last_batch=last_batch)
    assert every.images_of(1) == whole.images_of(1)[: {"drop": 32, "keep": 37}[last_batch]], "more than there are: all"


def test_a_last_batch_of_a_single_image_is_left_out(diary):
    method, _ = diary(epoch_images=17, last_batch="keep")
    assert [len(batch) for epoch, batch in method.batches if epoch == 0] == [8, 8]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (dict(epoch_images=7), "diary: 7 normal training images do not fill a batch of 8"),
        (dict(batch_size=64), "37 normal training images do not fill a batch of 64"),
        (dict(validation_fraction=0.99), "of 37 normal training images all are held out"),
    ],
)
def test_too_few_images_are_refused(diary, options, complaint):
    assert complaint in refusal(diary, **options)


def test_a_step_is_given_another_batch_for_every_shuffle_and_more_steps_take_every_image_as_often(numbered, tmp_path):
    config = configure("adgan", "one-vs-all", 28, 1, pixel_range="unit", epochs=2, batch_size=8, steps_per_epoch=10)
    method = Diary(config)
    method.shuffles = 2
    train(method, numbered, tmp_path / "checkpoint.pt")
    assert [epoch for epoch, _ in method.batches] == [0] * 10 + [1] * 10
    halves = [(epoch, images[:8], images[8:]) for epoch, images in method.batches]
    assert all(len(first) == len(second) == 8 and set(first) != set(second) for _, first, second in halves)
    orders = [[n for at, *parts in halves if at == epoch for n in parts[side]] for epoch in (0, 1) for side in (0, 1)]
    assert len(set(map(tuple, orders))) == 4
    for order in orders:
        assert sorted(order[:37]) == sorted(order[37:74]) == list(range(37)) and len(set(order[74:])) == 6


@pytest.mark.parametrize(("options", "epochs"), [({}, 3), ({"warm_up_count": "included"}, 2), ({"epochs": 5}, 6)])
def test_warm_up_epochs_are_added_or_included(diary, options, epochs):
    method, history = diary(**options)
    assert len(history.losses) == epochs == len({epoch for epoch, _ in method.batches})
    assert history.ended == "budget" and history.losses[0] == {"loss": 2.5}, "the mean over the batches"


def test_images_held_out_for_validation_are_never_trained_on(diary):
    method, history = diary(validation_fraction=0.2)
    trained_on = {image for _, batch in method.batches for image in batch}
    assert trained_on <= set(range(30))
    assert all(epoch["validation"] == 30 for epoch in history.losses)


def test_the_checkpoint_is_complete_at_every_moment(diary, tmp_path):
    diary(epochs=1)
    first = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt.partial").write_bytes(first[:100])  # as a killed run leaves it
    with open(tmp_path / "checkpoint.pt", "rb") as still_open:
        diary(epochs=2)
        assert still_open.read() == first  # replaced by rename, not written over
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_damaged_checkpoint_or_one_of_other_networks_or_of_another_run_is_refused_by_name(
    small_method, diary, zeros, tmp_path
):
    diary(epochs=1)
    path = tmp_path / "checkpoint.pt"
    message = refusal(diary, epochs=2, identity="that run")
    assert str(path) in message and "is of another run (this run; expected that run): remove it" in message
    arguments = dict(seed=0, checkpoint=path, identity="this run", title="small")
    message = refusal(training.train, small_method(), zeros.train, **arguments)
    assert str(path) in message and "remove it" in message
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"not a checkpoint"):
        path.write_bytes(data)
        message = refusal(diary, epochs=2)
        assert str(path) in message and "remove it" in message


def test_a_loss_that_is_not_finite_ends_the_run_without_a_record(digits, run_options, tmp_path):
    options = run_options | dict(learning_rate_cgan=1e30, warm_up_epochs=0, epochs=3)
    _, (one,) = run.requested("adcgan", "digits", "one-vs-all", [0], [0], options)
    with pytest.raises(Diverged, match=r"loss \w+ is (nan|inf|-inf) in epoch \d of 3") as stopped:
        run.execute(one, digits, tmp_path, "cpu")
    assert str(one) in str(stopped.value) and "\n" not in str(stopped.value)
    assert not list(tmp_path.rglob(records.RECORD))


def test_a_loss_of_the_held_out_images_that_is_not_finite_ends_the_training(diary, monkeypatch):
    monkeypatch.setattr(Diary, "validate", lambda self, images: {"validation": float("nan")})
    with pytest.raises(Diverged, match="loss validation is nan in epoch 1"):
        diary(epochs=3, validation_fraction=0.2)


def test_a_training_that_continues_keeps_what_was_read_before(small_config, numbered, tmp_path):
    def train(epochs, read):
        method = Diary(small_config(batch_size=8, epochs=epochs, warm_up_epochs=0))
        return training.train(
            method, numbered, seed=0, checkpoint=tmp_path / "checkpoint.pt", identity="", title="",
            after_epoch=lambda: read.append(len(read)) or {"NS": len(read) / 10},
        )  # fmt: skip

    first = train(2, [])
    assert first.auroc == [{"NS": 0.1}, {"NS": 0.2}] and first.auroc_seconds > 0
    whole = train(4, [0, 0])
    assert whole.auroc == [{"NS": value} for value in (0.1, 0.2, 0.3, 0.4)] and len(whole.losses) == 4
    assert whole.auroc_seconds > first.auroc_seconds and whole.processor_seconds > first.processor_seconds


def test_a_plain_line_per_epoch_tells_losses_and_time_left_where_there_is_no_terminal(diary, capsys):
    diary(epochs=1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("diary: epoch 1/2, loss 2.5, ") and lines[0].endswith(" s left")
    diary(epochs=2)
    resumed, *lines = capsys.readouterr().err.splitlines()
    assert resumed == "diary: continues after epoch 2 of 3"
    assert len(lines) == 1 and "epoch 3/3" in lines[0] and "about 0 s left" in lines[0]


def test_the_time_left_is_at_the_last_epochs_pace(monkeypatch, capsys):
    """Two short warm-up epochs, then one three times as long: two more of those are left."""
    clock = iter([100.0, 110.0, 120.0, 150.0])
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    progress = training.Progress("diary", 5, 1, training.History())
    for _ in range(3):
        progress.epoch(training.History(losses=[{"loss": 1.0}]))
    ends = [line.partition("loss 1, ")[2] for line in capsys.readouterr().err.splitlines()]
    assert ends == ["10 s, about 40 s left", "20 s, about 30 s left", "50 s, about 60 s left"]


@pytest.mark.parametrize(
    ("watched", "patience", "stalled"),
    [
        ([], 1, False),
        ([3, 4], 1, False),
        ([3, 4, 4], 1, True),
        ([3, 4, 4], 2, False),
        ([3, 3, 3], 1, True),  # as low is not lower
        ([3, 2, 5, 4], 1, True),
        ([5, 4, 3, 2, 1], 1, False),
    ],
)
def test_a_training_has_stalled_after_more_epochs_than_the_patience_without_a_lower_loss(watched, patience, stalled):
    history = training.History([{"loss": 0.0, "watched": float(value)} for value in watched])
    assert training._stalled(history, "watched", patience) is stalled
