"""Own pictures: a detector that learns from normal pictures, scores others, and decides by a threshold.

It is a scikit-learn estimator. `AnomalyDetector.anomaly_score` and everything else here is larger for what is more
anomalous; scikit-learn's own names, `score_samples` and `decision_function`, have scikit-learn's sign.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from . import methods, training
from .config import METHODS, OFFERED, SCALES, configure, parse_options
from .config.base import LAPTOP_EPOCH_IMAGES
from .data.folders import IMAGE_SIZES, RESIZES, Formats, expanded, look, prepare, read, refuse_unreadable
from .errors import UNFORESEEN, AdcganError, choose
from .experiments import model_file
from .experiments.provenance import choose_device
from .methods.base import Baseline
from .scoring import normality_score

HELD_OUT, LEAST = 20, 40  # normal pictures that set the threshold, and that are needed in all
# Options about a run's test images, or that make a score depend on the pictures beside it.
NOT_OFFERED = ("preprocessing", "test_set", "test_order", "test_images", "test_mode", "test_latents",
               "validation_fraction")  # fmt: skip


class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Learns what normal pictures look like, and tells pictures that do not.

    Pictures are a uint8 array (N, H, W) or (N, H, W, C), or a list of paths, Pillow pictures or uint8 arrays. They are
    brought to ``image_size`` (28, 32 or 64; by default their own where it is one of these, else 32) and ``channels``
    (1 grey, 3 colour; by default as they are); ``resize`` says whether one that is not square is stretched, or cropped
    to its middle ("crop").

    ``method`` is adcgan, autoencoder, aegan, pca or knn; ``scale`` laptop or paper; ``options`` further ones of the
    method, as `adcgan run` has them. ``false_alarms`` is the share of normal pictures that may be called anomalous.
    ``random_state`` is the seed; ``verbose`` prints the losses and the time left.
    """

    def __init__(
        self,
        method: str = "adcgan",
        *,
        image_size: int | None = None,
        channels: int | None = None,
        resize: str = "stretch",
        scale: str = "laptop",
        false_alarms: float = 0.05,
        options: dict | None = None,
        random_state: int = 0,
        device: str = "auto",
        verbose: bool = False,
    ):
        self.method = method
        self.image_size = image_size
        self.channels = channels
        self.resize = resize
        self.scale = scale
        self.false_alarms = false_alarms
        self.options = options
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X, y=None) -> AnomalyDetector:
        """Learn from normal pictures ``X``; ``y`` is not read.

        A tenth of them, at least 20 and always the same, is held out to set the threshold. Raises AdcganError for
        fewer than 40 pictures, and where so few are held out that no threshold keeps to ``false_alarms``.
        """
        self._check_parameters()
        formats = _formats(X)
        self.image_size_ = self.image_size or formats.side
        self.channels_ = self.channels or formats.channels
        images = self._images(X)
        learn, held = hold_out(len(images))
        rank(len(held), self.false_alarms)  # before the training, which may take an hour
        self.names_ = ["normal"]
        self.data_ = {"pictures": len(images), "sha256": hashlib.sha256(images.tobytes()).hexdigest()}
        self._train(images[learn])
        self._settle(np.sort(self._score(images[held])), self.false_alarms)
        return self

    def anomaly_score(self, X) -> np.ndarray:
        """The score of every picture, float64 (N,); larger is more anomalous."""
        check_is_fitted(self)
        return self._score(self._images(X))

    def p_value(self, scores: np.ndarray) -> np.ndarray:
        """The share of held-out normal scores at least as large as each of ``scores`` (N,), (k + 1) / (n + 1)."""
        check_is_fitted(self)
        above = len(self.held_out_) - np.searchsorted(self.held_out_, scores, side="left")
        return (above + 1) / (len(self.held_out_) + 1)

    def score_samples(self, X) -> np.ndarray:
        """The score with scikit-learn's sign: larger is more normal."""
        return -self.anomaly_score(X)

    def decision_function(self, X) -> np.ndarray:
        """How far on the normal side of the threshold; below 0 is anomalous."""
        return self.score_samples(X) - self.offset_

    def predict(self, X) -> np.ndarray:
        """1 for normal pictures, -1 for anomalous ones: those whose p-value is at most ``false_alarms``."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def reconstruct(self, X) -> tuple[np.ndarray, np.ndarray | None]:
        """The pictures as the method reads them, uint8 (N, H, H, C), and their reconstructions; None where it has none.

        Of AD-CGAN, G(E(x)).
        """
        check_is_fitted(self)
        images = self._images(X)
        return images, self.fitted_.reconstruct(images)

    def save(self, path: str | Path) -> None:
        """Write the whole detector to one file; see `adcgan.experiments.model_file`."""
        check_is_fitted(self)
        about = {
            "threshold": self.threshold_, "false_alarms": self.rate_, "held_out": self.held_out_.tolist(),
            "resize": self.resize, "names": self.names_,
        }  # fmt: skip
        run = {"method": self.method, "scheme": "one-vs-all", "scale": self.scale, "seed": int(self.random_state)}
        model_file.save(expanded(path), self.fitted_, run, self.data_, detector=about)

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> AnomalyDetector:
        """The detector stored at ``path``: its scores are the same to the bit.

        Raises AdcganError, in one line, for what is no detector's file, damaged, or of another version.
        """
        path = expanded(path)
        model = model_file.load(path, choose_device(device))
        header, config = model.header, model.method.config
        if "detector" not in header:
            raise AdcganError(f"model {path} is a run's and has no threshold: make one that has by `adcgan fit`")
        try:
            about, run, data = header["detector"], header["run"], header["data"]
            held, rate, names = np.array(about["held_out"], np.float64), about["false_alarms"], about["names"]
            choose("resize", about["resize"], RESIZES)
            choose("method", header["method"], OFFERED)
            if held.ndim != 1 or not np.isfinite(held).all() or (np.diff(held) < 0).any():
                raise AdcganError("its held-out scores are not sorted numbers")
            if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
                raise AdcganError("its class names are no list of texts")
            if type(data["pictures"]) is not int:
                raise AdcganError("its number of pictures is none")
            detector = cls(
                header["method"], image_size=config.image_size, channels=config.channels, resize=about["resize"],
                scale=run["scale"], false_alarms=rate, random_state=run["seed"], device=device,
            )  # fmt: skip
            detector._check_parameters()
            detector._settle(held, rate)
            if detector.threshold_ != about["threshold"]:
                raise AdcganError("its threshold is not that of its held-out scores")
            detector._keep(model.method)
        except (TypeError, *UNFORESEEN) as error:
            raise AdcganError(f"model {path} does not fit ({error}): written by another version, or edited") from error
        detector.names_, detector.data_ = names, data
        detector.image_size_, detector.channels_ = config.image_size, config.channels
        return detector

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array, tags.input_tags.string = False, True, True
        return tags

    # --- helpers -----------------------------------------------------------------------------------------

    def _check_parameters(self):
        choose("method", self.method, OFFERED)
        choose("scale", self.scale, SCALES)
        choose("resize", self.resize, RESIZES)
        choose("image size", self.image_size, (*IMAGE_SIZES, None))
        choose("number of channels", self.channels, (1, 3, None))
        if not isinstance(self.random_state, Integral) or not 0 <= self.random_state < 2**32:
            raise AdcganError(f"random_state is {self.random_state!r}: expected a whole number from 0 to {2**32 - 1}")
        for name in parse_options(self.method, self.options or {}):
            if name in NOT_OFFERED:
                raise AdcganError(f"option {name} is for runs of `adcgan run`: leave it out")

    def _images(self, X):
        """Pictures as the method takes them, uint8 (N, H, H, C)."""
        if not len(X):
            raise AdcganError("no picture given: expected one or more")
        size, channels = self.image_size_, self.channels_
        if isinstance(X, np.ndarray) and X.dtype == np.uint8 and X.shape[1:] == (size, size, channels):
            return X
        if isinstance(X[0], str | Path):
            images, _, skipped = read(list(map(expanded, X)), size, channels, self.resize)
            refuse_unreadable(skipped)
            return images
        return np.stack([prepare(_picture(some), size, channels, self.resize) for some in X])

    def _train(self, images):
        """`fitted_`, trained on uint8 images (N, H, H, C), and its `history_`."""
        few = dict(batch_size=len(images)) if len(images) < 32 else {}
        few |= dict(epoch_images=LAPTOP_EPOCH_IMAGES) if len(images) < LAPTOP_EPOCH_IMAGES else {}
        options = (few if METHODS[self.method].trained else {}) | parse_options(self.method, self.options or {})
        config = configure(self.method, "one-vs-all", self.image_size_, self.channels_, scale=self.scale, **options)
        device = choose_device(self.device)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), TemporaryDirectory() as place:
            torch.manual_seed(self.random_state)
            method = methods.build(self.method, config, device)
            if isinstance(method, Baseline):
                self.history_ = training.fit(method, images, seed=self.random_state)
            else:
                self.history_ = training.train(
                    method, images, seed=self.random_state, checkpoint=Path(place) / "checkpoint.pt",
                    identity="own pictures", title=METHODS[self.method].title, repeat=True, quiet=not self.verbose,
                )  # fmt: skip
        self._keep(method)

    def _keep(self, method):
        self.fitted_ = method
        if not isinstance(method, Baseline):
            method.settle()

    def _score(self, images):
        """Scores of uint8 images (N, H, H, C), float64 (N,)."""
        scores = normality_score(self.fitted_.config, self.fitted_.score(images))
        if not np.isfinite(scores).all():
            raise AdcganError(f"{(~np.isfinite(scores)).sum()} of {len(scores)} scores are not finite: train again, "
                              "with another random_state")  # fmt: skip
        return scores

    def _settle(self, held, rate):
        """Threshold and what follows from it, from the held-out scores (n,), sorted."""
        self.held_out_, self.rate_ = held, rate
        self.threshold_ = float(held[-rank(len(held), rate)])
        self.offset_ = -self.threshold_


def hold_out(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ``count`` normal pictures to learn from, and those held out: a tenth, at least 20, always the same."""
    if count < LEAST:
        raise AdcganError(
            f"there are {count} normal pictures: expected at least {LEAST}, {LEAST - HELD_OUT} to learn from and "
            f"{HELD_OUT} to set the threshold"
        )
    held = max(HELD_OUT, round(count / 10))
    rows = np.random.default_rng(0).permutation(count)
    return np.sort(rows[held:]), np.sort(rows[:held])


def rank(held: int, rate: float) -> int:
    """Which of ``held`` held-out scores is the threshold, counted from the largest, for this rate of false alarms.

    A score is anomalous above it: exactly where its p-value is at most ``rate``. Of normal pictures like those held out
    the expected share above it is rank / (held + 1), at most ``rate``. Raises AdcganError where that leaves no rank.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1:
        raise AdcganError(f"false_alarms is {rate!r}: expected a share between 0 and 1, as 0.05")
    found = math.floor(rate * (held + 1) + 1e-9)
    if found < 1:
        raise AdcganError(
            f"false_alarms is {rate}: {held} held-out pictures allow {1 / (held + 1):.2g} or more; give a larger "
            f"share, or {10 * math.ceil(1 / rate - 1)} normal pictures"
        )
    return found


def _picture(some):
    """A Pillow picture, from one or from a uint8 array."""
    from PIL import Image

    if isinstance(some, Image.Image):
        return some
    array = np.asarray(some)
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (1, 3) or not array.size:
        raise AdcganError(
            f"a picture is an array of type {array.dtype} and shape {array.shape}: expected uint8, (H, W), (H, W, 1) "
            "or (H, W, 3), or a path"
        )
    return Image.fromarray(array[..., 0] if array.ndim == 3 and channels == 1 else array)


def _formats(X: Sequence) -> Formats:
    """Sizes and colours of pictures that are given in any way."""
    if not len(X) or isinstance(X[0], str | Path):
        return look(map(expanded, X))
    pictures = [_picture(some) for some in X]
    return Formats(
        Counter(picture.size for picture in pictures),
        Counter("grey" if picture.mode == "L" else "colour" for picture in pictures),
    )
