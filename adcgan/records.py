"""What a run is called, what it writes, and how it is read back.

``RUNS/<method>/<dataset>/<scheme>/class-<n>/seed-<s>/`` holds ``record.json`` (written last: its presence means
the cell is complete), ``scores.npz`` (per-image components in half precision) and ``pictures.png`` or ``.jpg``.
Settings that depart from the paper's add the first eight digits of their digest: ``seed-0-1a2b3c4d``.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from .config import Config, configure, departures, digest
from .errors import AdcganError
from .evaluation import auroc
from .scores import SCORE, normality_score, with_scores
from .splits import watched

FORMAT = 1
RECORD, SCORES, STUDY, WALK = "record.json", "scores.npz", "study.npz", "walk.npz"
PICTURES = {1: "pictures.png", 3: "pictures.jpg"}  # by channels: photographs as PNG would fill the repository
CHECKPOINT = "checkpoint.pt"
HALF_PRECISION = 1e-3  # scores are stored in half precision: what that may change of an AUROC (fractions), and more


@dataclass(frozen=True)
class Cell:
    """One experiment: what is trained, on what, from which seed, under which configuration."""

    method: str
    dataset: str
    scheme: str
    label: int  # the class: normal in one-vs-all, anomalous in all-vs-one
    seed: int
    config: Config

    @property
    def digest(self) -> str:
        """The digest of the configuration (`adcgan.config.digest`)."""
        return digest(self.config, self.method, self.scheme)

    @property
    def departures(self) -> dict:
        """Options that differ from the paper's settings; empty for a cell of the paper's tables."""
        return departures(self.config, self.method, self.scheme)

    def directory(self, runs: Path) -> Path:
        """Where under ``runs`` this cell lives."""
        variant = f"-{self.digest[:8]}" if self.departures else ""
        place = runs / self.method / self.dataset / self.scheme / f"class-{self.label}"
        return place / f"seed-{self.seed}{variant}"

    def __str__(self) -> str:
        variant = f" [{self.digest[:8]}]" if self.departures else ""
        return f"{self.method} {self.dataset} {self.scheme} class {self.label} seed {self.seed}{variant}"


@dataclass(frozen=True)
class Record:
    """A record that was read and found whole. ``content`` is record.json as a dictionary (see the schema)."""

    directory: Path
    cell: Cell
    content: dict

    @property
    def auroc(self) -> dict[str, float]:
        """AUROC of the score ("NS") and of each component, fractions."""
        return self.content["auroc"]

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return self._beside(SCORES)

    def _beside(self, name: str) -> dict[str, np.ndarray]:
        if name not in self.content["files"]:
            return {}
        with np.load(self.directory / name, allow_pickle=False) as archive:
            return dict(archive)

    @property
    def components(self) -> dict[str, np.ndarray]:
        """Per-image components of the score, float16 (M,), in the order of the test split."""
        return {name: values for name, values in self._arrays.items() if name not in ("labels", "anomalous", "NS")}

    @cached_property
    def scores(self) -> np.ndarray:
        """The score of each test image, float32 (M,), from the stored components; larger is more anomalous."""
        return normality_score(self.cell.config, self.components).astype(np.float32)

    @property
    def readings(self) -> dict[str, dict[str, float]]:
        """AUROC of NS and of each component under other protocols on the same weights, fractions; maybe empty."""
        return self.content.get("study", {})

    @cached_property
    def study(self) -> dict[str, np.ndarray]:
        """The study's arrays by name: AUROCs over draws, float32, and values per image, float16; maybe empty."""
        return self._beside(STUDY)

    @cached_property
    def walk(self) -> dict[str, np.ndarray]:
        """The path to the score of the first normal and the first anomalous test image, float16 (2, ...); maybe empty.

        The names are those of `adcgan.methods.walk`; the pictures are the first of the rows "normal" and "anomalous".
        """
        return self._beside(WALK)

    @property
    def labels(self) -> np.ndarray:
        """The class of each test image, (M,)."""
        return self._arrays["labels"]

    @property
    def watched(self) -> list[dict[str, dict[str, float]]]:
        """AUROC after each epoch on some test images (`adcgan.splits.watched`), fractions; a diagnostic, maybe empty.

        By reading (`adcgan.methods.Method.watch`) and name (`adcgan.scores.with_scores`); an epoch after which none was
        read has an empty dictionary.
        """
        return self.content.get("watched", [])

    @property
    def anomalous(self) -> np.ndarray:
        """True where the test image is anomalous, (M,)."""
        return self._arrays["anomalous"]

    def picture_rows(self) -> dict[str, np.ndarray]:
        """The rows of the sheet of pictures by name, uint8 (columns, H, H) or (columns, H, H, 3)."""
        from PIL import Image

        name = next(name for name in PICTURES.values() if name in self.content["files"])
        sheet = np.asarray(Image.open(self.directory / name))
        tile = self.content["pictures"]["tile"]
        columns = sheet.shape[1] // tile
        grid = sheet.reshape(-1, tile, columns, tile, *sheet.shape[2:]).swapaxes(1, 2)
        return dict(zip(self.content["pictures"]["rows"], grid, strict=True))


def write(
    cell: Cell,
    runs: Path,
    content: dict,
    arrays: dict[str, np.ndarray],
    rows: dict[str, np.ndarray],
    study: dict[str, np.ndarray] | None = None,
    walk: dict[str, np.ndarray] | None = None,
) -> Record:
    """Write a complete cell: scores and pictures first, record.json last, each by rename.

    ``arrays`` go to scores.npz, ``study`` to study.npz, ``walk`` to walk.npz; ``rows`` name to uint8 (columns, H, H, C)
    go to the sheet of pictures. On a failure the directory holds no record, and AdcganError says why.
    """
    directory = cell.directory(runs)
    files = {SCORES: _npz(arrays), PICTURES[next(iter(rows.values())).shape[3]]: _sheet(rows)}
    files |= {name: _npz(part) for name, part in ((STUDY, study), (WALK, walk)) if part is not None}
    content = content | {
        "format": FORMAT,
        "pictures": {"tile": next(iter(rows.values())).shape[1], "rows": list(rows)},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    _validate(content, directory / RECORD)
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
    for name, data in (files | {RECORD: text.encode()}).items():
        write_by_rename(directory / name, data)
    return read(directory / RECORD, runs)


def write_by_rename(path: Path, data: bytes) -> None:
    """Write ``data`` so that ``path`` is either complete or as before. Raises AdcganError where it cannot."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        try:
            partial.unlink(missing_ok=True)
        except OSError:
            pass  # the directory itself is not writable: the error below says so
        raise AdcganError(
            f"{path} cannot be written ({error.strerror or error}): free space, mend the permissions, "
            "or name another directory for runs"
        ) from error


def read(path: Path, runs: Path) -> Record:
    """Read one record.json under ``runs`` and check it: schema, place, digest, and the files beside it.

    Raises AdcganError that names the file and what is wrong; a damaged or foreign record is never skipped.
    """
    try:
        content = json.loads(path.read_text(), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise AdcganError(
            f"record {path} cannot be read ({error}): remove its directory to run the cell again"
        ) from error
    _validate(content, path)
    place, options = content["cell"], dict(content["config"])
    try:
        size, channels = options.pop("image_size", None), options.pop("channels", None)
        config = configure(place["method"], place["scheme"], size, channels, **options)
    except AdcganError as error:
        raise AdcganError(f"record {path}: {error}") from error
    cell = Cell(place["method"], place["dataset"], place["scheme"], place["label"], place["seed"], config)
    if cell.digest != content["digest"] or cell.departures != content["departures"]:
        raise AdcganError(
            f"record {path}: its digest {content['digest'][:8]} is not that of its configuration ({cell.digest[:8]}): "
            "it was edited, or written under other defaults"
        )
    expected = cell.directory(runs)
    if expected.resolve() != path.parent.resolve():
        raise AdcganError(f"record {path} is of the cell {cell}: expected in {expected}")
    for name, sha in content["files"].items():
        beside = path.parent / name
        if not beside.exists():
            raise AdcganError(f"record {path}: {name} is missing beside it; restore it or remove the directory")
        try:
            data = beside.read_bytes()
        except OSError as error:
            raise AdcganError(
                f"record {path}: {name} cannot be read ({error.strerror}): mend it or remove it"
            ) from error
        if hashlib.sha256(data).hexdigest() != sha:
            raise AdcganError(
                f"record {path}: {name} is not the file that was recorded; restore it or remove the directory"
            )
    return Record(path.parent, cell, content)


def read_all(runs: Path) -> list[Record]:
    """Every record under ``runs``, by path. Raises AdcganError at the first that is damaged or foreign."""
    if not runs.is_dir():
        raise AdcganError(f"{runs} is not a directory: expected the directory of records")
    return [read(path, runs) for path in sorted(runs.rglob(RECORD))]


def find(cell: Cell, runs: Path) -> Record | None:
    """The record of ``cell``, or None where it has not been run."""
    path = cell.directory(runs) / RECORD
    return read(path, runs) if path.exists() else None


def verify(record: Record) -> None:
    """Compute again what the stored scores give: every AUROC, and how many images of either kind.

    Raises AdcganError where the record says otherwise, or where the study's paper protocol, or what was read after the
    last epoch, is another than the score's by more than half precision can make it.
    """
    kept = {
        name: auroc(record.anomalous, values) for name, values in {"NS": record.scores, **record.components}.items()
    }
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
    again = [
        ("the study's AUROC of {} under the paper protocol", record.readings.get("paper", {}), scores, slice(None))
    ]
    if record.watched and _image_by_image(record.cell.config):
        rows = watched(record.anomalous)
        scores = with_scores(record.cell.config, record.components)
        again.append(("the AUROC of {} after the last epoch", record.watched[-1].get(SCORE, {}), scores, rows))
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
        min(kept - HALF_PRECISION, auroc(anomalous, values - moved)),
        max(kept + HALF_PRECISION, auroc(anomalous, values + moved)),
    )


def _image_by_image(config):
    """Whether an image's score is the same whichever others are scored with it."""
    return getattr(config, "test_mode", "eval") == "eval" and getattr(config, "test_latents", "shared") == "shared"


def _refuse(constant):
    raise ValueError(f"{constant} is no number")


@cache
def _schema():
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(Path(__file__).with_name("record.schema.json").read_text()))


def _validate(content, path):
    errors = sorted(_schema().iter_errors(content), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        where = "/".join(map(str, errors[0].absolute_path)) or "top level"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise AdcganError(
            f"record {path}: {where}: {errors[0].message[:200]}{more}; expected record.schema.json's form"
        )


def _npz(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _sheet(rows):
    from PIL import Image

    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows.values()])
    buffer = io.BytesIO()
    if sheet.shape[2] == 1:
        Image.fromarray(sheet.squeeze(2)).save(buffer, "PNG", optimize=True)
    else:
        Image.fromarray(sheet).save(buffer, "JPEG", quality=85, subsampling=0)
    return buffer.getvalue()
