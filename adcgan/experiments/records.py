"""What a run is called, what it writes, and how it is read back.

``RUNS/<scale>/<method>/<dataset>/<scheme>/class-<n>/seed-<s>/`` holds ``record.json`` (written last: its presence means
that the run is complete), ``scores.npz`` (per-image components in half precision), ``pictures.png`` or ``.jpg``, and
for a trained method ``model.safetensors``, which is not committed. AD-CGAN's method is ``adcgan-<recipe>``; the scale
of library baselines is ``library``. A run that changes an option of its recipe and scale is an ablation: eight digits
name what it changes, ``seed-0-1a2b3c4d``. What `adcgan diagnose` finds stands beside the record, in
``diagnostics.json`` and ``diagnostics.npz``. Records of format 1 are read too (`adcgan.experiments.format1`).
"""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..config import Config, changes, configure, digest, parse_options, settle
from ..diagnostics.stale import of_outputs, summary
from ..errors import AdcganError
from ..scoring import normality_score
from . import format1
from .arrays import D_Z, pack, pack_sheet, unlike_scores, unpack, unpack_sheet
from .files import check_schema, written

FORMAT, SCHEMA, DIAGNOSTICS_SCHEMA = 2, "record.schema.json", "diagnostics.schema.json"
RECORD, SCORES, MODEL = "record.json", "scores.npz", "model.safetensors"
DIAGNOSTICS = "diagnostics.json", "diagnostics.npz"
PICTURES = {1: "pictures.png", 3: "pictures.jpg"}  # by channels: photographs as PNG would fill the repository
CHECKPOINT = "checkpoint.pt"
LOCK = "run.lock"  # held in the run's directory while it is running
SELF = "sha256"  # the record's own hash, over everything else that it says


@dataclass(frozen=True)
class Run:
    """One run: what is trained, on what, from which seed, under which recipe, scale and configuration."""

    method: str
    dataset: str
    scheme: str
    label: int  # the class: normal in one-vs-all, anomalous in all-vs-one
    seed: int
    config: Config
    recipe: str | None = None  # as `adcgan.config.settle` gives them
    scale: str | None = None
    repeat: int = 0  # above 0: trained once more, from the same seed

    @property
    def digest(self) -> str:
        """SHA-256 of method, scheme, recipe, scale and the whole configuration."""
        return digest(self.method, self.scheme, self.recipe, self.scale, self.config.to_dict())

    @cached_property
    def changes(self) -> dict:
        """Options that differ from the recipe at its scale: empty for a run of the tables, else an ablation."""
        return changes(self.config, self.method, self.scheme, self.recipe, self.scale)

    @property
    def name(self) -> str:
        """The method, with its recipe where it has one: ``adcgan-printed``, ``alad``."""
        return f"{self.method}-{self.recipe}" if self.recipe else self.method

    @property
    def variant(self) -> str:
        """Eight digits that name an ablation by what it changes; empty for a run of the tables."""
        changes = json.dumps(self.changes, sort_keys=True)
        return hashlib.sha256(changes.encode()).hexdigest()[:8] if self.changes else ""

    def directory(self, runs: Path) -> Path:
        """Where under ``runs`` this run lives."""
        variant = f"-{self.variant}" if self.changes else ""
        place = runs / (self.scale or "library") / self.name / self.dataset / self.scheme / f"class-{self.label}"
        return place / f"seed-{self.seed}{variant}{f'-repeat-{self.repeat}' * bool(self.repeat)}"

    def __str__(self) -> str:
        named = " ".join(filter(None, (self.method, self.recipe, self.scale and f"at scale {self.scale}")))
        variant = f" [{self.variant}]" if self.changes else ""
        repeat = f" repeat {self.repeat}" * bool(self.repeat)
        return f"{named}, {self.dataset} {self.scheme} class {self.label} seed {self.seed}{repeat}{variant}"


@dataclass(frozen=True, eq=False)  # so that what is computed from a record can be kept: one is equal to itself alone
class Record:
    """A record that was read and found whole. ``content`` is record.json as a dictionary (see the schema).

    A record of format 1 is given the entries of format 2 that its own say: ``run`` and ``changes``.
    """

    directory: Path
    run: Run
    content: dict

    @property
    def former(self) -> dict | None:
        """The options that a record of format 1 changed against its defaults then; None for one of format 2."""
        return self.content.get("departures")

    @property
    def auroc(self) -> dict[str, float]:
        """AUROC of the score ("NS") and of each component, fractions."""
        return self.content["auroc"]

    @property
    def result(self) -> float:
        """The AUROC that stands in the tables, a fraction: of NS, or under stale noise its mean over the draws."""
        return self.content["stale_noise"]["NS"]["mean"] if "stale_noise" in self.content else self.auroc["NS"]

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        found = self._unpacked(SCORES)
        if bad := unlike_scores(found):
            raise AdcganError(
                f"record {self.directory / RECORD}: in {SCORES} array {', '.join(bad)} is missing, or is not a finite "
                "number for each test image; restore it or remove the directory"
            )
        return found

    def _unpacked(self, name, kinds=""):
        return unpack(self.directory / name, self.directory / RECORD, kinds)

    def _beside(self, name: str) -> dict[str, np.ndarray]:
        """Arrays of numbers, of a file that not every record has."""
        return self._unpacked(name, "f") if name in self.content["files"] else {}

    @property
    def components(self) -> dict[str, np.ndarray]:
        """Per-image components of the score, float16 (M,), in the order of the test split."""
        return {n: values for n, values in self._arrays.items() if n not in ("labels", "anomalous", "NS", *D_Z)}

    @property
    def D_z(self) -> dict[str, np.ndarray]:
        """Outputs of D_z for the script's stale noise (`adcgan.diagnostics.stale.of_outputs`), float16; maybe empty."""
        return {name: values for name, values in self._arrays.items() if name in D_Z}

    @cached_property
    def scores(self) -> np.ndarray:
        """The score of each test image, float32 (M,), from the stored components; larger is more anomalous."""
        try:
            return normality_score(self.run.config, self.components).astype(np.float32)
        except (KeyError, ValueError) as error:
            raise AdcganError(
                f"record {self.directory / RECORD}: components {', '.join(self.components) or 'none'} in {SCORES} are "
                f"not those of method {self.run.method}; restore it or remove the directory"
            ) from error

    @cached_property
    def diagnostics(self) -> dict:
        """What `adcgan diagnose` wrote beside the record (diagnostics.json), checked to be of it; maybe empty."""
        return read_diagnostics(self)

    @property
    def variants(self) -> dict[str, dict[str, float]]:
        """AUROC of NS and of each component under other scoring variants of these weights, fractions; maybe empty."""
        if self.former is not None:
            return format1.renamed(format1.VARIANTS, self.content.get("study", {}))
        return self.diagnostics.get("variants", {})

    @cached_property
    def draws(self) -> dict[str, np.ndarray]:
        """The diagnostics' AUROCs over random draws by name, fractions, float32; maybe empty."""
        if self.former is not None:
            return format1.renamed(format1.DRAWS, self._beside("study.npz"))
        return {n: values for n, values in self._diagnostics_arrays.items() if n not in self.diagnostics["one_image"]}

    @cached_property
    def one_image(self) -> dict[str, np.ndarray]:
        """The path to the score of the first normal and the first anomalous test image, float16 (2, ...); maybe empty.

        The names are those of `adcgan.diagnostics.one_image`; the pictures are the first of the rows "normal" and
        "anomalous".
        """
        if self.former is not None:
            return self._beside("walk.npz")
        return {n: values for n, values in self._diagnostics_arrays.items() if n in self.diagnostics["one_image"]}

    @cached_property
    def _diagnostics_arrays(self):
        return self._unpacked(DIAGNOSTICS[1], "f") if self.diagnostics else {}

    @property
    def labels(self) -> np.ndarray:
        """The class of each test image, (M,)."""
        return self._arrays["labels"]

    @property
    def per_epoch(self) -> list[dict[str, float]]:
        """AUROC of NS and of each component after each epoch, fractions; empty after an epoch that was not read.

        On some test images (`adcgan.data.schemes.per_epoch_rows`): a diagnostic.
        """
        if self.former is not None:
            return [epoch.get("score", {}) for epoch in self.content.get("watched", [])]
        return self.content.get("per_epoch", {}).get("auroc", [])

    @property
    def anomalous(self) -> np.ndarray:
        """True where the test image is anomalous, (M,)."""
        return self._arrays["anomalous"]

    @property
    def sheet(self) -> Path:
        """The file of its sheet of pictures."""
        return self.directory / next(name for name in PICTURES.values() if name in self.content["files"])

    def picture_rows(self) -> dict[str, np.ndarray]:
        """The rows of the sheet of pictures by name, uint8 (columns, H, H) or (columns, H, H, 3)."""
        pictures = self.content["pictures"]
        return unpack_sheet(self.sheet, self.directory / RECORD, pictures["tile"], pictures["rows"])


def write(
    run: Run,
    runs: Path,
    content: dict,
    arrays: dict[str, np.ndarray],
    rows: dict[str, np.ndarray],
) -> Record:
    """Write a complete run: scores and pictures first, record.json last, each by rename.

    ``arrays`` go to scores.npz; ``rows`` name to uint8 (columns, H, H, C) go to the sheet of pictures. On a failure the
    directory holds no record, and AdcganError says why.
    """
    directory = run.directory(runs)
    files = {SCORES: pack(arrays), PICTURES[next(iter(rows.values())).shape[3]]: pack_sheet(rows)}
    content = content | {
        "format": FORMAT,
        "pictures": {"tile": next(iter(rows.values())).shape[1], "rows": list(rows)},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    content[SELF] = own_hash(content)
    check_schema(content, directory / RECORD, SCHEMA)
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
    for name, data in (files | {RECORD: text.encode()}).items():
        written(directory / name, data)
    return read(directory / RECORD, runs)


def own_hash(content: dict) -> str:
    """SHA-256 of everything that a record says but this, as canonical JSON."""
    rest = {name: value for name, value in content.items() if name != SELF}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read(path: Path, runs: Path) -> Record:
    """Read one record.json under ``runs`` and check it: its own hash, schema, place, digest, the files beside it.

    Raises AdcganError that names the file and what is wrong; a damaged or foreign record is never skipped.
    """
    try:
        return _read(path, runs)
    except AdcganError:
        raise
    except (OSError, ValueError, RecursionError) as error:  # of bytes, numbers, names of files that cannot be
        raise AdcganError(f"record {path} cannot be read ({error}): remove its directory to run it again") from error


def _read(path, runs):
    data = path.read_bytes()
    content = _parsed(data)
    format = content.get("format") if isinstance(content, dict) else None
    if format == 1:
        place, config, content = format1.read(path, runs, content, data)
    else:
        place, config = _read_format_2(path, content)
    recipe, scale = place["recipe"], place["scale"]
    named = (place[name] for name in ("method", "dataset", "scheme", "label", "seed"))
    run = Run(*named, config, recipe, scale, place.get("repeat", 0))
    if format == 1:
        content["changes"] = run.changes
    elif (expected := run.directory(runs)).resolve() != path.parent.resolve():
        raise AdcganError(f"record {path} is of the run {run}: expected in {expected}")
    for name, sha in content["files"].items():
        check_file(path, name, sha)
    return Record(path.parent, run, content)


def _read_format_2(path, content):
    """The run and the configuration that a record of format 2 says, checked."""
    check_schema(content, path, SCHEMA)
    if own_hash(content) != content[SELF]:
        raise AdcganError(
            f"record {path} does not have its own hash: it was edited; remove its directory to run it again"
        )
    place, options = content["run"], dict(content["config"])
    try:
        size, channels = options.pop("image_size", None), options.pop("channels", None)
        given = dict(recipe=place["recipe"], scale=place["scale"])
        if content["digest"] != digest(place["method"], place["scheme"], *given.values(), content["config"]):
            raise AdcganError("its digest is not that of its configuration")
        if tuple(given.values()) != settle(place["method"], **given):
            raise AdcganError(f"method {place['method']} has no such recipe or scale")
        options = parse_options(place["method"], options)
        return place, configure(place["method"], place["scheme"], size, channels, **given, **options)
    except AdcganError as error:
        raise AdcganError(f"record {path}: {error}") from error


def check_file(path: Path, name: str, sha: str) -> None:
    """Raise AdcganError unless the file ``name`` beside ``path`` has this SHA-256."""
    beside = path.parent / name
    if not beside.exists():
        raise AdcganError(f"record {path}: {name} is missing beside it; restore it or remove the directory")
    try:
        data = beside.read_bytes()
    except OSError as error:
        raise AdcganError(f"record {path}: {name} cannot be read ({error.strerror}): mend it or remove it") from error
    if hashlib.sha256(data).hexdigest() != sha:
        raise AdcganError(
            f"record {path}: {name} is not the file that was recorded; restore it or remove the directory"
        )


def read_all(runs: Path) -> list[Record]:
    """Every record under ``runs``, by path. Raises AdcganError at the first that is damaged or foreign."""
    if not runs.is_dir():
        raise AdcganError(f"{runs} is not a directory: expected the directory of records")
    return [read(path, runs) for path in sorted(runs.rglob(RECORD))]


def place(run: Run, runs: Path) -> Path | None:
    """The record.json of ``run``, of either format, or None where it has not been run."""
    path = run.directory(runs) / RECORD
    if not path.exists():
        path = format1.directory(run, runs) / RECORD if format1.directory(run, runs) else path
    return path if path.exists() else None


def find(run: Run, runs: Path) -> Record | None:
    """The record of ``run``, or None where it has not been run."""
    path = place(run, runs)
    return read(path, runs) if path else None


def write_diagnostics(record: Record, content: dict, arrays: dict[str, np.ndarray]) -> None:
    """Write diagnostics.npz and diagnostics.json beside ``record``, the latter last: it says what both are of."""
    data = pack(arrays)
    content = content | {"record": record.content[SELF], "arrays": hashlib.sha256(data).hexdigest()}
    content[SELF] = own_hash(content)
    check_schema(content, record.directory / DIAGNOSTICS[0], DIAGNOSTICS_SCHEMA)
    written(record.directory / DIAGNOSTICS[1], data)
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
    written(record.directory / DIAGNOSTICS[0], text.encode())


def read_diagnostics(record: Record) -> dict:
    """What stands in diagnostics.json beside ``record``, or {}. Raises AdcganError where it is not of this record."""
    path = record.directory / DIAGNOSTICS[0]
    if record.former is not None or not path.exists():
        return {}
    try:
        content = _parsed(path.read_bytes())
        check_schema(content, path, DIAGNOSTICS_SCHEMA)
    except (OSError, ValueError, RecursionError) as error:
        raise AdcganError(f"{path} cannot be read ({error}): remove it and diagnose again") from error
    if SELF in content and content[SELF] != own_hash(content):  # the first ones were written without
        raise AdcganError(f"{path} does not have its own hash: it was edited; remove it and diagnose again")
    if content["record"] != record.content[SELF]:
        raise AdcganError(f"{path} is not of the record beside it: remove it and diagnose again")
    check_file(path, DIAGNOSTICS[1], content["arrays"])
    return content


def stale_noise(
    config: Config, components: dict[str, np.ndarray], D_z: dict[str, np.ndarray], anomalous: np.ndarray
) -> dict[str, dict[str, float]]:
    """AUROC of NS and of L_FL under the script's stale noise, mean and 5-95 % range over its draws; {} without D_z."""
    if not D_z:
        return {}
    L_FL = of_outputs(D_z, anomalous)
    NS = normality_score(config, components | {"L_FL": L_FL})
    return {"NS": summary(anomalous, NS), "L_FL": summary(anomalous, L_FL)}


def _parsed(data):
    return json.loads(data, parse_constant=_refuse, parse_float=_finite)


def _refuse(constant):
    raise ValueError(f"{constant} is no number")


def _finite(text):
    return value if math.isfinite(value := float(text)) else _refuse(text)
