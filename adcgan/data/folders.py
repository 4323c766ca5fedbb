"""Folders of pictures: which files lie there, what they are of, and each as an array. One reader for every command.

Three layouts are known: pictures alone; one sub-directory per class; both of these in ``train`` and ``test``.
"""

import os
import stat
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import AdcganError, choose, printable

IMAGE_SIZES = (28, 32, 64)
RESIZES = ("stretch", "crop")
# A folder's name, in any case -> the split that it holds. Where both are there, "test" goes before "val".
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test",
          "val": "val", "valid": "val", "validation": "val"}  # fmt: skip
WHOLE = "whole"  # the one split of a folder without any
MASKS = "ground_truth"  # MVTec's masks look like pictures
NOT_READ = {"BUFR", "EPS", "FITS", "GRIB", "HDF5", "MPEG", "WMF"}  # Pillow needs another program for these
GREY = {"1", "L", "LA", "La"}
NAMED = 20  # unreadable pictures in one line, at most

Skipped = list[tuple[Path, str]]  # files that are left out, each with the reason


@dataclass(frozen=True)
class Found:
    """What a folder holds: ``splits`` -> class -> its pictures, sorted; and what was ``skipped``.

    A folder without ``train`` and ``test`` has the one split `WHOLE`. Pictures that lie in no class's folder are of
    class "".
    """

    root: Path
    splits: dict[str, dict[str, list[Path]]]
    skipped: Skipped = field(default_factory=list)


@dataclass(frozen=True)
class Divided:
    """Pictures of normal things to learn from, those to test on (class -> pictures), and the normal class's name."""

    normal: list[Path]
    test: dict[str, list[Path]]
    name: str


@dataclass(frozen=True)
class Formats:
    """Counters over pictures as they are stored: ``sizes`` (width, height), ``colours`` "grey" or "colour"."""

    sizes: Counter
    colours: Counter

    @property
    def channels(self) -> int:
        """1 where every picture is grey, else 3."""
        return 3 if self.colours["colour"] else 1

    @property
    def side(self) -> int:
        """The pictures' own size where all have one of `IMAGE_SIZES`, else 32."""
        (width, height), *others = self.sizes or [(0, 0)]
        return width if width == height and width in IMAGE_SIZES and not others else 32

    def read_as(self, image_size: int, channels: int, resize: str) -> str:
        """One line: sizes and colours as they are stored, and what `read` makes of them."""
        sizes = [f"{count} of {width}x{height}" for (width, height), count in self.sizes.most_common(4)]
        if len(self.sizes) > 4:
            sizes.append(f"{len(self.sizes) - 4} other sizes")
        stored = f"{', '.join(sizes)}; {', '.join(f'{count} in {name}' for name, count in self.colours.most_common())}"
        line = f"{stored}; read as {image_size}x{image_size} {'colour' if channels == 3 else 'grey'}"
        if self.colours["grey"] and channels == 3:
            line += "; grey is taken as red = green = blue"
        if self.colours["colour"] and channels == 1:
            line += "; colour is turned to grey"
        if any(width != height for width, height in self.sizes):
            line += f"; what is not square is {'cropped to its middle' if resize == 'crop' else 'stretched'}"
        return line


def find(root: Path | str) -> Found:
    """The pictures under ``root`` by split and class. Hidden files and masks are no pictures.

    Raises AdcganError for what is no folder, for several data sets in one folder, and for a ``train`` beside others.
    """
    root = expanded(root)
    if not os.path.isdir(root):  # also False for a name that no file can have
        raise AdcganError(f"{shown(root)} is not a directory: expected a folder of pictures")
    folders = {path: SPLITS.get(path.name.lower()) for path in _folders(root)}
    if not any(folders.values()):
        several = [shown(path.name) for path in folders if any(p.name.lower() in SPLITS for p in _folders(path))]
        if several:
            raise AdcganError(f"{shown(root)} holds several data sets ({', '.join(several)}): name one of them")
        classes, skipped = _classes(root)
        return Found(root, {WHOLE: classes}, skipped)
    others = [shown(path.name) for path, split in folders.items() if not split]
    names = [split for split in folders.values() if split]
    if others or "train" not in names or len(set(names)) < len(names):
        raise AdcganError(
            f"{shown(root)} holds {', '.join(shown(path.name) for path in folders)}: expected train and test (or val) "
            "alone, or one sub-directory per class"
        )
    splits, skipped = {}, []
    for path, split in sorted(folders.items(), key=lambda item: item[1] == "val"):
        if split == "val" and "test" in splits:
            skipped.append((path, "test is there: validation pictures are not used"))
            continue
        splits["train" if split == "train" else "test"], some = _classes(path)
        skipped += some
    return Found(root, splits, skipped)


def divide(found: Found, normal: str | None) -> Divided:
    """Which pictures to learn from and which to test on; ``normal`` names the normal class where there are several.

    Raises AdcganError where it is not told which class is normal, or where that class has no picture.
    """
    train = found.splits.get("train", found.splits.get(WHOLE))
    classes = {shown(name): paths for name, paths in train.items() if paths}
    name = None if normal is None else shown(normal)
    if name is None and len(classes) > 1:
        name = next((name for name in classes if name.lower() == "good"), None)
    if name is None and len(classes) != 1:
        known = f"its classes are {', '.join(classes)}" if classes else "it has no picture to learn from"
        remedy = "name the normal one with --normal" if classes else "check the path"
        raise AdcganError(f"{shown(found.root)}: {known}; {remedy}{_left_out(found.skipped)}")
    name = next(iter(classes)) if name is None else name
    choose("normal class", name, classes)
    if WHOLE in found.splits:
        test = {other: paths for other, paths in classes.items() if other != name}
    else:
        test = {shown(other): paths for other, paths in found.splits.get("test", {}).items() if paths}
    return Divided(classes[name], test, name or "good")


def gather(paths: Iterable[Path | str]) -> tuple[list[Path], Skipped]:
    """Every picture that ``paths`` name: files as they are, folders with all that lies below them."""
    pictures, skipped = [], []
    for path in map(expanded, paths):
        if os.path.isdir(path):
            some, others = _pictures(path)
            pictures += some
            skipped += others
        else:
            pictures.append(path)
    return pictures, skipped


def look(paths: Iterable[Path]) -> Formats:
    """Sizes and colours of those that can be opened, from the files' heads alone."""
    sizes, colours = Counter(), Counter()
    for path in paths:
        try:
            with _opened(path) as picture:
                sizes[picture.size] += 1
                colours["grey" if picture.mode in GREY else "colour"] += 1
        except Exception:  # `read` says why
            continue
    return Formats(sizes, colours)


def read(
    paths: Sequence[Path], image_size: int, channels: int, resize: str = "stretch"
) -> tuple[np.ndarray, list[Path], Skipped]:
    """Images uint8 (N, H, H, C), their paths, and the pictures that cannot be read, each with its reason."""
    images, kept, skipped = [], [], []
    for path in paths:
        try:
            with _opened(path) as picture:
                images.append(prepare(picture, image_size, channels, resize))
            kept.append(path)
        except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError and more for a bad file
            skipped.append((path, _reason(path, error)))
    shape = (0, image_size, image_size, channels)
    return np.stack(images) if images else np.zeros(shape, np.uint8), kept, skipped


def prepare(picture, image_size: int, channels: int, resize: str = "stretch") -> np.ndarray:
    """A Pillow picture as uint8 (H, H, C): upright, on white where it is transparent, grey or RGB, by Lanczos.

    What is not square is stretched, or cropped to its middle. Raises ValueError for more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    picture = _opaque(ImageOps.exif_transpose(picture)).convert("L" if channels == 1 else "RGB")
    if resize == "crop":
        side, (width, height) = min(picture.size), picture.size
        left, top = (width - side) // 2, (height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
    picture = picture.resize((image_size, image_size), Image.LANCZOS)
    return np.asarray(picture, np.uint8).reshape(image_size, image_size, channels)


def refuse_unreadable(skipped: Skipped) -> None:
    """Raise AdcganError where there is any, with the reason of each, in one line."""
    if skipped:
        plural = "pictures cannot" if len(skipped) > 1 else "picture cannot"
        raise AdcganError(f"{len(skipped)} {plural} be read: {listed(skipped)}: replace or remove what is named")


def listed(skipped: Skipped) -> str:
    """Files and reasons in one line, the first `NAMED` of them."""
    more = f" and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
    return ", ".join(f"{shown(path)} ({reason})" for path, reason in skipped[:NAMED]) + more


def shown(path: Path | str) -> str:
    """A path or a name as text that can be printed: bytes that are not UTF-8, and line breaks, escaped."""
    return printable(str(path))


def expanded(path: Path | str) -> Path:
    """A path, ``~`` expanded; as it is where there is no such user, as shells do it."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _left_out(skipped):
    return f"; left out: {listed(skipped)}" if skipped else ""


@cache
def _suffixes():
    """Endings of the formats that Pillow reads by itself."""
    from PIL import Image

    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN.keys() - NOT_READ}


def _hidden(name):
    return name.startswith(".") or name == "__MACOSX"


def _folders(root):
    """Sub-directories that may hold pictures, sorted."""
    try:
        return sorted(
            path for path in root.iterdir() if path.is_dir() and not _hidden(path.name) and path.name.lower() != MASKS
        )
    except OSError as error:
        raise AdcganError(f"{shown(root)} cannot be read ({error.strerror or error}): mend its permissions") from error


def _classes(root):
    """Pictures by class, one sub-directory each; those that lie in ``root`` itself where it has no sub-directory."""
    folders, classes, skipped = _folders(root), {}, []
    for folder in folders:
        classes[folder.name], some = _pictures(folder)
        skipped += some
    loose, some = _pictures(root, deep=False)
    if folders and any(classes.values()):
        skipped += [(path, "it lies beside the classes' folders") for path in loose]
    elif loose:
        classes[""] = loose
    return classes, sorted(skipped + some)


def _pictures(root, deep=True):
    """Files under ``root`` whose ending is a picture's, sorted; and the others, each with the reason."""
    pictures, skipped = [], []

    def closed(error):
        skipped.append((Path(error.filename), error.strerror))

    for place, folders, files in os.walk(root, onerror=closed):
        links = [name for name in folders if Path(place, name).is_symlink() and not _hidden(name)]
        skipped += [(Path(place, name), "links to folders are not followed") for name in links if deep]
        masks = [name for name in folders if name.lower() == MASKS]
        skipped += [(Path(place, name), "masks are not read") for name in masks]
        folders[:] = [name for name in folders if deep and not _hidden(name) and name not in masks]
        for path in (Path(place, name) for name in files if not _hidden(name)):
            if path.suffix.lower() in _suffixes():
                pictures.append(path)
            else:
                skipped.append((path, "no ending of a picture that Pillow reads"))
    return sorted(pictures), sorted(skipped)


@contextmanager
def _opened(path):
    """The picture, closed at the end. Raises what Pillow raises, for one that is too large too."""
    from PIL import Image

    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("not a file: a pipe or a device would be read for ever")
    with warnings.catch_warnings():  # for as long as the picture is read: Pillow looks at metadata late
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning)  # of odd metadata: not the user's business
        with Image.open(path) as picture:
            yield picture


def _reason(path, error):
    """Why a picture cannot be read, in one line without its path."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"{str(error).partition(',')[0]}: make it smaller"
    if isinstance(error, UnidentifiedImageError):
        return "an empty file" if path.stat().st_size == 0 else "not a picture that Pillow can read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0]


def _opaque(picture):
    """The picture on white where it is transparent: Pillow's conversions would drop the alpha channel."""
    from PIL import Image

    if picture.mode[0] in "IF":  # Pillow's conversions would clip these at 255
        raise ValueError(f"mode {picture.mode}: expected 8 bits a channel")
    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
