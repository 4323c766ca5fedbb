"""A trained model in one file, of a run or of a user's own pictures: ``model.safetensors``; never pickle.

The file holds every network's weights and buffers, or a baseline's arrays. Its header holds, as JSON, the method, the
whole configuration, what was trained and on which data, and a detector's threshold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .. import __version__, methods
from ..config import configure
from ..errors import UNFORESEEN, AdcganError, one_line
from ..methods.base import Baseline, Method
from .files import written

FORMAT = 1
KEY = "adcgan"  # of the header's JSON, in the file's metadata


@dataclass(frozen=True)
class Model:
    """A stored model: its networks or arrays in ``method``, and what the ``header`` says of it."""

    method: Method | Baseline
    header: dict


def save(path: Path, method: Method | Baseline, run: dict, data: dict, **more: dict) -> str:
    """Write what ``method`` has learnt by rename; the file's SHA-256.

    ``run`` says what was trained (method, data set, scheme, ...), ``data`` on which bytes; ``more`` are further parts
    of the header.
    """
    from safetensors.torch import save as serialise

    header = {
        "format": FORMAT, "version": __version__, "method": run["method"], "scheme": run["scheme"],
        "config": method.config.to_dict(), "run": run, "data": data,
    } | more  # fmt: skip
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _state(method).items()}
    return written(path, serialise(tensors, {KEY: json.dumps(header, sort_keys=True)}))


def load(path: Path, device: torch.device | str = "cpu") -> Model:
    """The model stored at ``path``, ready to score on ``device``.

    Raises AdcganError, in one line, for a file that is missing, damaged, truncated, of another program or version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            header = _header(path, file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise AdcganError(f"model {path} cannot be read ({reason}): expected a model file of adcgan") from error
    try:
        config = dict(header["config"])
        size, channels = config.pop("image_size"), config.pop("channels")
        config = configure(header["method"], header["scheme"], size, channels, **config)
        with torch.random.fork_rng():  # a new network draws its first weights
            method = methods.build(header["method"], config, torch.device(device))
        if isinstance(method, Baseline):
            method.set_arrays({name: tensor.numpy() for name, tensor in tensors.items()})
            return Model(method, header)
        own = _state(method)
        if own.keys() != tensors.keys() or any(own[name].shape != tensors[name].shape for name in own):
            raise AdcganError("its tensors are not those of its configuration")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(tensors[name])
    except (TypeError, AttributeError, *UNFORESEEN) as error:
        reason = error if isinstance(error, AdcganError) else one_line(error)
        raise AdcganError(
            f"model {path} does not fit ({reason}): it was written by another version, or edited"
        ) from error
    return Model(method, header)


def _state(method):
    """Every tensor of every network, by network and name; those of the networks themselves. A baseline's arrays."""
    if isinstance(method, Baseline):
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in method.arrays().items()}
    return {
        f"{network}.{name}": tensor
        for network, module in method.networks.items()
        for name, tensor in module.state_dict().items()
    }


def _header(path, metadata):
    try:
        header = json.loads((metadata or {})[KEY])
        found = header["format"]
    except (KeyError, ValueError, TypeError, RecursionError):
        raise AdcganError(f"model {path} is no model of adcgan: its header says nothing of one") from None
    if found != FORMAT:
        raise AdcganError(f"model {path} has format {found!r}: this version reads format {FORMAT}")
    return header
