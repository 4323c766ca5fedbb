"""From 200 drawn pictures to scores, a report and ONNX: each command and its time.

    python benchmarks/own_pictures.py --folder FOLDER

Draws 140 + 20 pictures of a part, and 20 each with a scratch and with a hole, in the layout train/good, test/good,
test/scratch and test/hole; then runs the commands there, as a user would. Seconds are processor seconds.
"""

import argparse
import resource
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COMMANDS = (
    "fit pictures --model model.safetensors --image-size 28",
    "score model.safetensors pictures/test --out scores.csv --report report.html",
    "export model.safetensors model.onnx",
)
FOLDERS = {"train/good": 140, "test/good": 20, "test/scratch": 20, "test/hole": 20}


def part(kind: str, random: np.random.Generator) -> Image.Image:
    """A noisy picture, 64 by 48, of a brass disc on a grey ground: good, with a scratch or with a hole."""
    picture = Image.new("RGB", (64, 48), (120, 125, 130))
    pen = ImageDraw.Draw(picture)
    (x, y), size = random.uniform((28, 21), (36, 27)), random.uniform(13, 16)
    pen.ellipse((x - size, y - size, x + size, y + size), fill=(200, 160, 60))
    if kind == "scratch":
        pen.line((x - 9, y - 6, x + 9, y + 6), fill=(90, 70, 30), width=2)
    elif kind == "hole":
        pen.ellipse((x - 4, y - 4, x + 2, y + 2), fill=(60, 50, 30))
    noisy = np.asarray(picture) + random.integers(-12, 13, (48, 64, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def main():
    """Draw, and run each command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="an empty one that is kept")
    place = parser.parse_args().folder or Path(tempfile.mkdtemp())
    random = np.random.default_rng(0)
    for folder, count in FOLDERS.items():
        (place / "pictures" / folder).mkdir(parents=True)
        for number in range(count):
            part(Path(folder).name, random).save(place / "pictures" / folder / f"{number:03}.png")
    for command in COMMANDS:
        print(f"$ adcgan {command}", flush=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "adcgan", *shlex.split(command)], cwd=place, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.0f} processor seconds\n", flush=True
        )


if __name__ == "__main__":
    main()
