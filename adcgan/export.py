"""A detector as one ONNX graph, from pixels to score, for programs without PyTorch.

Its input ``images`` is uint8 (N, H, H, C), values 0 to 255, of the model's size and channels; N is free. Its outputs
are ``score`` float32 (N,), larger is more anomalous, and ``components`` float32 (N, K). The threshold, the names of
the components and how pictures are brought to size stand in the file's metadata.
"""

import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from .detector import AnomalyDetector
from .errors import AdcganError
from .experiments.files import written
from .methods.base import Baseline
from .methods.baselines import PCA
from .scoring import normality_score

NEEDED = ("onnx", "onnxruntime", "onnxscript")  # PyTorch's exporter imports the last
TOLERANCE = 1e-4  # of the larger of 1 and the score: 32-bit sums of a few hundred terms, in another order


class Scorer(nn.Module):
    """uint8 images (N, H, H, C) -> score (N,) and components (N, K), by operations that ONNX has."""

    def __init__(self, detector: AnomalyDetector, names: list[str]):
        super().__init__()
        self.method, self.names = detector.fitted_, names
        # Every method's score is a weighted sum of its components.
        unit = {name: np.eye(len(names))[n] for n, name in enumerate(names)}
        self.register_buffer("weights", torch.from_numpy(normality_score(self.method.config, unit)))
        if isinstance(self.method, Baseline):
            self.learnt = nn.Module()
            for name, array in self.method.arrays().items():
                self.learnt.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)))
        else:
            self.networks = nn.ModuleDict(self.method.networks)  # so that the graph names their weights

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The score and the components."""
        if not isinstance(self.method, Baseline):
            found = self.method.batch_components(self.method.pixels(images))
            components = torch.stack([found[name] for name in self.names], 1)
        elif isinstance(self.method, PCA):
            x, rows = images.flatten(1).float() / 255 - self.learnt.mean, self.learnt.components
            components = (x - x @ rows.T @ rows).square().mean(1, keepdim=True)
        else:  # 64 bits, as scikit-learn: the difference of squares loses half of the digits
            x, known = (some.flatten(1).double() / 255 for some in (images, self.learnt.images))
            squares = x.square().sum(1, keepdim=True) - 2 * x @ known.T + known.square().sum(1)
            nearest = squares.clamp(min=0).topk(self.method.config.neighbours, largest=False).values
            components = nearest.sqrt().mean(1, keepdim=True).float()
        return (components.double() @ self.weights).float(), components


def export(detector: AnomalyDetector, path: Path) -> float:
    """Write the graph, once onnxruntime gives the detector's scores with it; the largest relative difference.

    Raises AdcganError where onnx, onnxscript or onnxruntime is missing, or where the scores differ.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise AdcganError(f"export needs {', '.join(missing)}: pip install {' '.join(NEEDED)}")
    import onnx
    import onnxruntime

    shape = (detector.image_size_, detector.image_size_, detector.channels_)
    images = np.random.default_rng(0).integers(0, 256, (7, *shape), np.uint8)  # noise, and what a lens cap sees
    images[5], images[6] = 0, 255
    with TemporaryDirectory() as place:
        names = list(detector.fitted_.score(images))
        scorer = Scorer(detector, names).eval()
        file = Path(place, "model.onnx")
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                scorer, (torch.from_numpy(images[:2]),), file, input_names=["images"],
                output_names=["score", "components"], dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
                dynamo=True, external_data=False, verbose=False,
            )  # fmt: skip
        graph = onnx.load(file)
        about = {
            "score": "larger is more anomalous", "threshold": detector.threshold_, "false_alarms": detector.rate_,
            "components": names, "resize": detector.resize, "names": detector.names_, "method": detector.method,
        }  # fmt: skip
        onnx.helper.set_model_props(graph, {"adcgan": json.dumps(about)})
        data = graph.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(["score"], {"images": some})[0] for some in (images[:1], images[1:])])
    expected = detector.anomaly_score(images)
    difference = float((np.abs(found - expected) / np.maximum(np.abs(expected), 1)).max())
    if not difference <= TOLERANCE:
        raise AdcganError(f"onnxruntime's scores differ by {difference:.1e}, expected {TOLERANCE} at most: not written")
    written(path, data)
    return difference
