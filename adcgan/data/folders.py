"""Directories of pictures (the ImageFolder layout: one sub-directory per class) as arrays."""

from pathlib import Path

import numpy as np

from ..errors import AdcganError

IMAGE_SIZES = (28, 32, 64)
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


def read_folder(root: Path, image_size: int, channels: int, skip_unreadable: bool = False):
    """Classes (sorted sub-directory names), images uint8 (N, H, H, C), labels (N,), number of files dropped.

    Every picture is put on white where it is transparent, converted to grey or RGB, and resized to ``image_size``
    squared (Lanczos). A file that is not a readable picture of 8 bits a channel raises AdcganError with its path,
    unless ``skip_unreadable`` counts it instead.
    """
    from PIL import Image

    if not root.is_dir():
        raise AdcganError(f"{root} is not a directory: expected one sub-directory of pictures per class")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(folders) < 2:
        raise AdcganError(f"{root} has {len(folders)} class directories: expected two or more, one per class")
    images, labels, dropped = [], [], 0
    for label, folder in enumerate(folders):
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not files:
            raise AdcganError(
                f"class {folder.name!r} has no images in {folder}: expected {', '.join(sorted(SUFFIXES))}"
            )
        for path in files:
            try:
                with Image.open(path) as picture:
                    picture = _opaque(picture).convert("L" if channels == 1 else "RGB")
                    picture = picture.resize((image_size, image_size), Image.LANCZOS)
            except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError and more for a bad file
                if skip_unreadable:
                    dropped += 1
                    continue
                raise AdcganError(f"{path} is not a readable picture ({error}): replace or remove it") from error
            images.append(np.asarray(picture, np.uint8).reshape(image_size, image_size, channels))
            labels.append(label)
    if not images:
        raise AdcganError(f"{root}: none of its {dropped} pictures can be read: expected at least one per class")
    return tuple(folder.name for folder in folders), np.stack(images), np.array(labels, np.int64), dropped


def _opaque(picture):
    """The picture on white where it is transparent: Pillow's conversions would drop the alpha channel."""
    from PIL import Image

    if picture.mode[0] in "IF":  # Pillow's conversions would clip these at 255
        raise ValueError(f"mode {picture.mode}: expected 8 bits a channel")
    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
