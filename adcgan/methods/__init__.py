"""The methods, one file each; `adcgan.config.METHODS` lists them."""

from importlib import import_module

import torch

from ..config import METHODS, Config
from ..errors import choose
from .base import Baseline, Method


def build(name: str, config: Config, device: torch.device) -> Method | Baseline:
    """Initialise a method. Raises AdcganError for an unknown name."""
    choose("method", name, METHODS)
    file, _, kind = METHODS[name].code.partition(":")
    return getattr(import_module(f".{file}", __package__), kind)(config, device)
