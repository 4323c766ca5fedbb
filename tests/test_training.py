"""Epochs, checkpoints and resume: to the same bits after a kill, refusing what is damaged, foreign or diverged."""

import io
import random
import signal
import sys
import time

import numpy as np
import pytest
import torch

from adcgan import training
from adcgan.errors import AdcganError
from adcgan.experiments import records, run
from adcgan.methods import Method
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

    def train(seed=0, checkpoint="checkpoint.pt", identity="this run", **options):
        method = Diary(small_config(**{"batch_size": 8} | options))
        history = training.train(
            method, numbered, seed=seed, checkpoint=tmp_path / checkpoint, identity=identity, title="diary"
        )
        return method, history

    return train


def wait_for_checkpoint(process, path, newer_than=0):
    while not path.exists() or path.stat().st_mtime_ns <= newer_than:
        assert process.poll() is None, "the run ended before its checkpoint was seen"
        time.sleep(0.005)


def test_a_run_killed_and_interrupted_at_random_moments_ends_in_the_same_bits(command, record, run_options, tmp_path):
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
    finished = command(*arguments)
    assert finished.returncode == 0 and "continues after epoch" in finished.stderr
    resumed = records.read(directory / records.RECORD, tmp_path)
    assert resumed.content["cost"]["resumed"] == 2
    assert resumed.content["losses"] == record.content["losses"]
    for name in ("scores", "labels", "anomalous"):
        assert getattr(resumed, name).tobytes() == getattr(record, name).tobytes()
    assert {name: values.tobytes() for name, values in resumed.components.items()} == {
        name: values.tobytes() for name, values in record.components.items()
    }
    assert resumed.watched == record.watched
    assert resumed.content["model"] == record.content["model"], "the weights too"
    names = ["model.safetensors", "pictures.png", "record.json", "scores.npz"]
    assert sorted(path.name for path in directory.iterdir()) == names


def test_the_order_of_images_follows_from_seed_and_epoch_alone(diary):
    method, _ = diary(epochs=3)
    torch.manual_seed(99)
    again, _ = diary(checkpoint="again.pt", epochs=3)
    other, _ = diary(checkpoint="other.pt", epochs=3, seed=1)
    orders = [method.images_of(epoch) for epoch in range(4)]
    assert orders == [again.images_of(epoch) for epoch in range(4)]
    assert len({tuple(order) for order in orders}) == 4
    assert all(other.images_of(epoch) != orders[epoch] for epoch in range(4))


def test_a_resumed_training_sees_the_images_of_the_epochs_that_were_left(diary):
    whole, _ = diary(checkpoint="whole.pt", epochs=3)
    diary(epochs=1)
    rest, history = diary(epochs=3)
    assert {epoch for epoch, _ in rest.batches} == {2, 3}
    assert [rest.images_of(epoch) for epoch in (2, 3)] == [whole.images_of(epoch) for epoch in (2, 3)]
    assert len(history.losses) == 4 and history.resumed == 1


@pytest.mark.parametrize(("last_batch", "sizes"), [("drop", [8, 8, 8, 8]), ("keep", [8, 8, 8, 8, 5])])
def test_an_incomplete_last_batch_is_dropped_or_kept(diary, last_batch, sizes):
    method, _ = diary(last_batch=last_batch)
    assert [len(batch) for epoch, batch in method.batches if epoch == 0] == sizes
    assert len(set(method.images_of(0))) == sum(sizes)


@pytest.mark.parametrize(("last_batch", "sizes"), [("drop", [8, 8]), ("keep", [8, 8, 4])])
def test_an_epoch_may_be_the_first_images_of_its_permutation(diary, last_batch, sizes):
    whole, _ = diary(checkpoint="whole.pt", last_batch="keep")
    method, history = diary(epoch_images=20, last_batch=last_batch)
    assert [len(batch) for epoch, batch in method.batches if epoch == 0] == sizes and len(history.losses) == 3
    for epoch in range(3):
        assert method.images_of(epoch) == whole.images_of(epoch)[: sum(sizes)]
    assert set(method.images_of(0)) != set(method.images_of(1)), "every epoch others"
    every, _ = diary(checkpoint="more.pt", epoch_images=1000, last_batch="keep")
    assert every.images_of(1) == whole.images_of(1), "more than there are: all"


def test_epochs_of_too_few_images_for_a_batch_are_refused(diary):
    with pytest.raises(AdcganError, match="diary: 7 normal training images do not fill a batch of 8"):
        diary(epoch_images=7)


def test_a_last_batch_of_one_image_is_trained_or_refused_in_one_line(small_method, zeros, tmp_path):
    method = small_method(last_batch="keep", batch_size=8, warm_up_epochs=1, epochs=1)
    arguments = dict(seed=0, checkpoint=tmp_path / "checkpoint.pt", identity="one", title="one")
    try:
        history = training.train(method, zeros.train[:9], **arguments)
    except Diverged:
        raise
    except AdcganError as error:
        assert "batch" in str(error) and "\n" not in str(error)
    else:
        assert len(history.losses) == 2


@pytest.mark.parametrize(("options", "epochs"), [({}, 3), ({"warm_up_count": "included"}, 2), ({"epochs": 5}, 6)])
def test_warm_up_epochs_are_added_or_included(diary, options, epochs):
    method, history = diary(**options)
    assert len(history.losses) == epochs == len({epoch for epoch, _ in method.batches})
    assert history.ended == "budget"


def test_losses_are_means_over_the_batches_of_each_epoch(diary):
    _, history = diary()
    assert [epoch["loss"] for epoch in history.losses] == [2.5, 6.5, 10.5]


def test_images_held_out_for_validation_are_never_trained_on(diary):
    method, history = diary(validation_fraction=0.2)
    trained_on = {image for _, batch in method.batches for image in batch}
    assert trained_on <= set(range(30))
    assert all(epoch["validation"] == 30 for epoch in history.losses)


def test_a_training_of_which_all_images_are_held_out_is_refused(diary):
    with pytest.raises(AdcganError, match="of 37 normal training images all are held out"):
        diary(validation_fraction=0.99)


def test_too_few_images_for_a_batch_are_refused(diary):
    with pytest.raises(AdcganError, match="37 normal training images do not fill a batch of 64"):
        diary(batch_size=64)


def test_the_checkpoint_is_complete_at_every_moment(diary, tmp_path):
    diary(epochs=1)
    first = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt.partial").write_bytes(first[:100])  # as a killed run leaves it
    with open(tmp_path / "checkpoint.pt", "rb") as still_open:
        diary(epochs=2)
        assert still_open.read() == first  # replaced by rename, not written over
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"not a checkpoint"],
    ids=["truncated", "empty", "other"],
)
def test_a_damaged_checkpoint_is_refused_by_name(diary, tmp_path, damage):
    diary(epochs=1)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(AdcganError, match="remove it") as refused:
        diary(epochs=2)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_a_checkpoint_of_other_networks_is_refused_by_name(small_method, diary, zeros, tmp_path):
    diary(epochs=1)
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(AdcganError, match="remove it") as refused:
        training.train(small_method(), zeros.train, seed=0, checkpoint=path, identity="this run", title="small")
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_the_checkpoint_of_another_run_is_refused_by_name(diary, tmp_path):
    diary(epochs=1)
    with pytest.raises(AdcganError, match="is of another run .this run; expected that run.: remove it") as refused:
        diary(epochs=2, identity="that run")
    assert str(tmp_path / "checkpoint.pt") in str(refused.value) and "\n" not in str(refused.value)


def test_a_loss_that_is_not_finite_ends_the_run_without_a_record(digits, run_options, tmp_path):
    options = run_options | dict(learning_rate_cgan=1e30, warm_up_epochs=0, epochs=3)
    _, (cell,) = run.requested("adcgan", "digits", "one-vs-all", [0], [0], options)
    with pytest.raises(Diverged, match=r"loss \w+ is (nan|inf|-inf) in epoch \d of 3") as stopped:
        run.execute(cell, digits, tmp_path, "cpu")
    assert str(cell) in str(stopped.value) and "\n" not in str(stopped.value)
    assert not list(tmp_path.rglob(records.RECORD))


def test_a_loss_of_the_held_out_images_that_is_not_finite_ends_the_training(diary, monkeypatch):
    monkeypatch.setattr(Diary, "validate", lambda self, images: {"validation": float("nan")})
    with pytest.raises(Diverged, match="loss validation is nan in epoch 1"):
        diary(epochs=3, validation_fraction=0.2)


def test_a_history_names_every_revision_that_trained(small_config, numbered, tmp_path):
    def train(code, epochs):
        arguments = dict(seed=0, checkpoint=tmp_path / "checkpoint.pt", identity="", title="", code=code)
        return training.train(Diary(small_config(batch_size=8, epochs=epochs, warm_up_epochs=0)), numbered, **arguments)

    assert train("one", 1).codes == ["one"]
    assert train("one", 2).codes == ["one"]
    assert train("two", 3).codes == ["one", "two"]
    assert train("three", 3).codes == ["one", "two"], "it had nothing to train"


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


def test_a_bar_shows_losses_and_batches_on_a_terminal(diary, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    diary(epochs=1)
    shown = sys.stderr.getvalue()
    assert "diary" in shown and "8/8" in shown and "loss 1" in shown
    assert "epoch" not in shown
