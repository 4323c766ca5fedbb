"""What `adcgan check` computes again from a record's stored scores."""

import numpy as np

from ..data.schemes import per_epoch_rows
from ..errors import AdcganError
from ..scoring import auroc, with_scores
from . import format1
from .records import RECORD, Record, stale_noise

ROUNDING = 1e-5  # such AUROCs are recorded to five decimals
HALF_PRECISION = 1e-3  # scores are stored in half precision: what that may change of an AUROC (fractions), and more


def verify(record: Record) -> None:
    """Compute again what the stored scores give: every AUROC, and how many images of either kind.

    Raises AdcganError where the record says otherwise, or where the diagnostics, or what was read after the last epoch,
    give the score another AUROC, by more than half precision can make it.
    """
    kept = {
        name: auroc(record.anomalous, values) for name, values in {"NS": record.scores, **record.components}.items()
    }
    if record.content.get("stale_noise", {}) != stale_noise(
        record.run.config, record.components, record.D_z, record.anomalous
    ):
        raise AdcganError(
            f"record {record.directory / RECORD}: its stale noise is not what its scores give: it was edited"
        )
    images = {"test_normal": int((~record.anomalous).sum()), "test_anomalous": int(record.anomalous.sum())}
    said = {f"AUROC of {name}": value for name, value in record.auroc.items()} | record.content["images"]
    given = {f"AUROC of {name}": value for name, value in kept.items()} | images
    for name in dict.fromkeys([*given, *(name for name in said if name != "train")]):
        if said.get(name) != given.get(name):
            raise AdcganError(
                f"record {record.directory / RECORD}: {name} is {said.get(name)}, "
                f"but its scores give {given.get(name)}: it was edited"
            )
    scores = {"NS": record.scores, **record.components}
    again = [("the diagnostics' AUROC of {}", record.variants.get("score", {}), scores, slice(None))]
    if record.per_epoch and _image_by_image(record.run.config):
        rows = per_epoch_rows(record.anomalous, record.content.get("per_epoch", {}).get("images", format1.WATCHED))
        scores = with_scores(record.run.config, record.components)
        again.append(("the AUROC of {} after the last epoch", record.per_epoch[-1], scores, rows))
    for what, found, scores, rows in again:
        for name, value in found.items():
            low, high = _band(record.anomalous[rows], scores[name][rows]) if name in scores else (np.nan, np.nan)
            if not low <= value <= high:
                raise AdcganError(
                    f"record {record.directory / RECORD}: {what.format(name)} is {value}, "
                    f"but its scores give {low:.5f} to {high:.5f}: it was edited"
                )


def _band(anomalous, values):
    """The AUROCs that values can have had that are stored in half precision: with few images ties weigh much."""
    values = values.astype(np.float64)
    moved = np.where(anomalous, 1, -1) * np.spacing(np.abs(values).astype(np.float16)).astype(np.float64)
    kept = auroc(anomalous, values)
    return (
        min(kept - HALF_PRECISION, auroc(anomalous, values - moved)) - ROUNDING,
        max(kept + HALF_PRECISION, auroc(anomalous, values + moved)) + ROUNDING,
    )


def _image_by_image(config):
    """Whether an image's score is the same whichever others are scored with it."""
    return getattr(config, "test_mode", "eval") == "eval" and getattr(config, "test_latents", "shared") == "shared"
