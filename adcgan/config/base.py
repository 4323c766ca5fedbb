"""The fields that methods share, and what a field may be told."""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

from .. import paper
from ..errors import AdcganError

SCHEMES = ("one-vs-all", "all-vs-one")

# Data sets that the paper does not have take the settings of the paper's data set of the same image size.
SETTINGS_OF_SIZE = {28: "mnist", 32: "cifar10", 64: "cats_vs_dogs"}

STATED = object()  # the value depends on the data set, the scheme or the recipe: the method's `stated` fills it in

SCALES = ("paper", "laptop")
LAPTOP_WIDTH, LAPTOP_EPOCH_IMAGES, LAPTOP_SEARCHES = 0.25, 2000, 1000  # specification R.2


def option(default, help, *, choices=None, choice=None, at_least=None, at_most=None):
    """A configuration field: default, one line of help, admitted values and the number of its open choice."""
    metadata = {"help": help, "choices": choices, "choice": choice, "at_least": at_least, "at_most": at_most}
    if default is STATED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Config:
    """What every method shares: the images and the test. Built by `configure`, never by hand."""

    image_size: int = option(STATED, "side of the image in pixels", choices=(28, 32, 64))
    channels: int = option(STATED, "image channels", choices=(1, 3))
    preprocessing: str = option(
        "none",
        "zero-pad by 3 (32) or 4 (28) pixels a side, then shrink back",
        choices=("none", "pad-shrink"),
        choice=21,
    )
    test_set: str = option(
        "official",
        "official test split; with the anomalous classes' training images added; or with so many of them that the "
        "test has 10,000 images",
        choices=("official", "with-train", "ten-thousand"),
        choice=30,
    )
    test_order: str = option(
        "stored", "order of the test images: as stored, or normal ones first", choices=("stored", "normal-first"),
        choice=29,
    )  # fmt: skip
    test_images: int = option(
        0, "score at most this many test images, the same share of every class; 0: all of them", at_least=0
    )

    @classmethod
    def stated(cls, scheme: str, image_size: int, options: dict, recipe: str | None) -> dict:
        """Values of the fields that depend on the scheme, the image size, the recipe or other options."""
        return {}

    @classmethod
    def at(cls, scale: str | None) -> dict:
        """Values of the fields that a scale settles (`SCALES`; None for a method without one)."""
        return {}

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check(field, getattr(self, field.name))

    def to_dict(self) -> dict:
        """Field names to values, as stored in a record."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class TrainedConfig(Config):
    """What methods trained by gradient steps share: budget, batches, pixels."""

    steps_per_epoch: ClassVar[int] = 0  # batches in an epoch; 0: one pass over the images
    patience: ClassVar[int] = 0  # stop after more epochs than this without a lower watched loss; 0: never

    batch_size: int = option(32, "images per batch (paper: 32)", at_least=2)
    epochs: int = option(STATED, "epochs", at_least=0)
    pixel_range: str = option("symmetric", "pixels in [0,1] or [-1,1]", choices=("unit", "symmetric"), choice=20)
    validation_fraction: float = option(
        0.0, "share of the normal training images held out to watch the loss", choice=32, at_least=0
    )
    last_batch: str = option(
        "drop", "drop or keep an incomplete last batch (of two images or more)", choices=("drop", "keep"), choice=42
    )
    epoch_images: int = option(
        0, "an epoch is the first so many images of its permutation; 0: all of them (paper)", at_least=0
    )
    width: float = option(1.0, "multiplies every hidden width; 1: the source's", at_least=0, at_most=16)
    test_batch_size: int = option(256, "images per batch while scoring", choice=29, at_least=1)

    def __post_init__(self):
        super().__post_init__()
        if self.validation_fraction >= 1:
            raise AdcganError(f"validation_fraction is {self.validation_fraction}: expected 0 to below 1")
        if self.total_epochs < 1:
            raise AdcganError("nothing to train: the options leave no epoch; give at least one")
        if self.width == 0:
            raise AdcganError("width is 0: expected a positive factor, 1 for the source's networks")

    @classmethod
    def at(cls, scale: str | None) -> dict:
        """Scale "laptop": a quarter of the widths, and epochs of 2,000 images."""
        return dict(width=LAPTOP_WIDTH, epoch_images=LAPTOP_EPOCH_IMAGES) if scale == "laptop" else {}

    @property
    def total_epochs(self) -> int:
        """Epochs in all."""
        return self.epochs


def budget(scheme: str) -> int:
    """AD-CGAN's epochs, warm-up included (paper: 5 + 15 one-vs-all, 15 + 35 all-vs-one)."""
    return sum(paper.settings()["epochs"][scheme].values())


def latent_size(image_size: int) -> int:
    """The paper's latent size L for images of this size."""
    return paper.settings()["latent_size"][SETTINGS_OF_SIZE[image_size]]


def check(field, value):
    """Raise AdcganError where ``value`` is not one the field admits."""
    choices, at_least, at_most = (field.metadata[name] for name in ("choices", "at_least", "at_most"))
    if type(value) is not field.type:
        raise AdcganError(
            f"option {field.name} is {value!r}: expected {field.type.__name__}, not {type(value).__name__}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise AdcganError(f"option {field.name} is {value!r}: expected a finite number")
    if choices and value not in choices:
        expected = ", ".join(str(choice) for choice in choices)
        raise AdcganError(f"option {field.name} is {value!r}: expected one of {expected}")
    if at_least is not None and not value >= at_least:
        raise AdcganError(f"option {field.name} is {value!r}: expected {at_least} or more")
    if at_most is not None and not value <= at_most:
        raise AdcganError(f"option {field.name} is {value!r}: expected {at_most} or less")
