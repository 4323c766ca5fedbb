"""The captured step without a GPU: a tape stands in for the CUDA graph.

A CUDA graph runs the kernels of one step again on the same memory and nothing of Python. The tape does that with
torch's operations: it notes each with its tensors, undoes what the capture did, and on replay runs them again, results
into the tensors of the capture. What a step leaves to Python (a number read back, a tensor built again, a branch that
another epoch would take) shows as it would on a GPU: refused, or as a difference from the step as written.
"""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from adcgan import methods, stepping
from adcgan.config import configure
from adcgan.models import layers

# Reading a value on the host, shapes that depend on values, data sent from the host: a capture fails on each.
OF_THE_HOST = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "lift_fresh", "is_nonzero")


def tensors(values):
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


def memory(tensor):
    return tensor.untyped_storage()._cdata


class Tape(TorchDispatchMode):
    """Notes operations while it is active; `replay` runs them."""

    def __init__(self):
        super().__init__()
        self.calls, self.before, self.made = [], {}, set()

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        named = named or {}
        name = operation.overloadpacket.__name__
        indices = tensors(arguments[1]) if name.startswith("index") and len(arguments) > 1 else []
        if name in OF_THE_HOST or any(index.dtype == torch.bool for index in indices):
            raise AssertionError(f"{operation} in a captured step")
        given = tensors((arguments, named))
        for tensor in given:
            if memory(tensor) not in self.made:
                self.before.setdefault(memory(tensor), (tensor.untyped_storage(), tensor.untyped_storage().clone()))
        result = operation(*arguments, **named)
        shared = {memory(tensor) for tensor in given}
        new = [memory(tensor) not in shared for tensor in tensors(result)]  # the others are views, or in place
        self.made |= {memory(tensor) for tensor in tensors(result)} - self.before.keys()
        self.calls.append((operation, arguments, named, tensors(result), new))
        return result

    def undo(self):
        for storage, values in self.before.values():
            storage.copy_(values)

    def replay(self):
        with torch.no_grad():
            for operation, arguments, named, results, new in self.calls:
                again = tensors(operation(*arguments, **named))
                for result, value, fresh in zip(results, again, new, strict=True):
                    if fresh:
                        result.detach().copy_(value)


class Generator:
    """A random generator with a state of its own, in the place of torch's while it is set."""

    def __init__(self, state):
        self.state = state

    def clone_state(self):
        return Generator(torch.get_rng_state())

    def get_state(self):
        return self.state

    def set_state(self, state):
        self.state = state


class Default(Generator):
    """CUDA's default generator: which of the generators has torch's state."""

    def __init__(self):
        self.holder = Generator(None)

    def graphsafe_get_state(self):
        return self.holder

    def graphsafe_set_state(self, other):
        self.holder.state = torch.get_rng_state()
        self.holder = other
        torch.set_rng_state(other.state)


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """The layers as they are on any device but a CPU: PyTorch's own."""
    for name in ("Linear", "Conv2d", "ConvTranspose2d", "PReLU"):
        monkeypatch.setattr(getattr(layers, name), "forward", getattr(torch.nn, name).forward)


@pytest.fixture
def captured(monkeypatch):
    """`adcgan.stepping.Captured` on the CPU, with `tapes`, what it captured so far."""
    tapes = []

    @contextmanager
    def graph(tape, stream):
        random = torch.get_rng_state()
        with tape:
            yield
        tape.undo()
        torch.set_rng_state(random)
        tapes.append(tape)

    stream = SimpleNamespace(wait_stream=lambda other: None, synchronize=lambda: None)
    for name, value in dict(
        Stream=lambda device: stream, stream=lambda stream: nullcontext(), current_stream=lambda device: stream,
        default_generators=[Default()], CUDAGraph=Tape, graph=graph,
    ).items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, value)
    return SimpleNamespace(stepper=stepping.Captured, tapes=tapes)


def walk(stepper, epochs, steps=5):
    """Advance ``epochs`` of ``steps`` whole batches and an incomplete one; a pause after each step, then the sums."""
    method, count, sums = stepper.method, len(stepper.store), []
    size = method.config.batch_size * method.shuffles
    for epoch in range(epochs):
        order = torch.randperm(count * 4, generator=torch.Generator().manual_seed(epoch)) % count
        method.train()
        method.begin_epoch(epoch)
        stepper.begin(order[: steps * size].view(steps, size), epoch)
        for _ in range(steps):
            stepper.step()
            yield
        stepper.step(order[-2 * method.shuffles :])
        sums.append(stepper.sums())
    return sums


def to_the_end(*walks):
    """The sums of each of the walks, which advance in turn."""
    sums = [None] * len(walks)
    while None in sums:
        for place, steps in enumerate(walks):
            try:
                next(steps)
            except StopIteration as end:
                sums[place] = end.value or sums[place]
    return sums


def weights(method):
    return {
        (name, part): value for name, network in method.networks.items() for part, value in network.state_dict().items()
    }


def same(stepper, other, sums, sums_of_other):
    for one, two in zip(sums, sums_of_other, strict=True):
        assert one == pytest.approx(two, rel=1e-5)
    for place, value in weights(stepper.method).items():
        torch.testing.assert_close(weights(other.method)[place], value, rtol=1e-5, atol=1e-6, msg=str(place))


@pytest.fixture
def begun(zeros):
    """A stepper of the kind for a small method, always with the same weights and random numbers."""

    def begin(kind, name, **options):
        torch.manual_seed(0)
        config = configure(name, "one-vs-all", 28, 1, **dict(width=0.05, batch_size=4, epochs=2) | options)
        return kind(methods.build(name, config, torch.device("cpu")), torch.as_tensor(zeros.train[:32]))

    return begin


WARM = dict(warm_up_epochs=1, epochs=1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adcgan", WARM),
        ("adcgan", WARM | dict(recipe="script", epochs=2)),
        ("adcgan", WARM | dict(latent_draws="fresh", generator_optimiser="shared", adversarial="rasgan")),
        ("adcgan", dict(warm_up="learning-rate", warm_up_epochs=2, epochs=0)),
        ("alad", {}),
        ("adgan", dict(steps_per_epoch=4)),
        ("aegan", {}),
        ("anogan", {}),
        ("autoencoder", {}),
    ],
    ids=["printed", "script", "fresh z", "learning-rate", "alad", "adgan", "aegan", "anogan", "autoencoder"],
)
def test_a_replayed_step_is_the_step_as_written(captured, begun, name, options):
    eager = begun(stepping.Eager, name, **options)
    epochs = eager.method.config.total_epochs
    (sums,) = to_the_end(walk(eager, epochs))
    replayed = begun(captured.stepper, name, **options)
    (sums_again,) = to_the_end(walk(replayed, epochs))
    assert len(captured.tapes) == len({eager.method.phase(epoch) for epoch in range(epochs)})
    assert all(len(tape.calls) > 50 for tape in captured.tapes)
    same(eager, replayed, sums, sums_again)


def test_trainings_in_turn_each_draw_and_end_as_alone(captured, begun):
    alone = begun(captured.stepper, "anogan")
    (sums,) = to_the_end(walk(alone, epochs=2))
    pair = begun(captured.stepper, "anogan"), begun(captured.stepper, "anogan")
    for stepper, sums_again in zip(pair, to_the_end(*(walk(one, epochs=2) for one in pair)), strict=True):
        same(alone, stepper, sums, sums_again)
