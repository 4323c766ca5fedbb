"""torchvision's own readers behind `adcgan.data.datasets`, on files that lie in the cache as a download leaves them.

In a process of its own: beside a CPU build of torch, torchvision's CUDA build imports only after its operators have
been declared, and that should not leak into other tests.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

DECLARE = """
import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for operator in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
                 "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"):
    try:
        library.define(operator)
    except RuntimeError:
        pass  # a torchvision that matches torch has declared it
"""
LOAD = """
import sys
from adcgan import data
loaded = data.load(sys.argv[1])
print(loaded.train_images.shape, loaded.test_images.shape, loaded.train_labels.tolist(), loaded.provenance, sep="|")
"""


def write_idx(path, array):
    """The original format of MNIST: a magic number, the sizes, the bytes."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_downloaded_files_are_read_and_files_that_are_not_the_originals_are_not_called_canonical(
    tmp_path, name, folder
):
    raw = tmp_path / folder / "raw"
    for split, count in (("train", 5), ("t10k", 3)):
        write_idx(raw / f"{split}-images-idx3-ubyte", np.zeros((count, 28, 28)))
        write_idx(raw / f"{split}-labels-idx1-ubyte", np.arange(count))
    environment = os.environ | {"ADCGAN_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", DECLARE + LOAD, name], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    expected = "(5, 28, 28, 1)|(3, 28, 28, 1)|[0, 1, 2, 3, 4]|a copy that this project does not know"
    assert done.stdout.splitlines()[-1] == expected


def test_without_a_network_the_error_is_one_line_with_the_remedy(tmp_path):
    refused = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}
    code = (
        DECLARE
        + "import sys\nsys.argv = ['', 'run', '--dataset', 'mnist']\nfrom adcgan.cli import main\nsys.exit(main())"
    )
    environment = os.environ | refused | {"ADCGAN_CACHE": str(tmp_path)}
    environment.pop("ADCGAN_DATA", None)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("adcgan: error: mnist cannot be downloaded into") and "check the network" in line
