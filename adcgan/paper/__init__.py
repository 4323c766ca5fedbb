"""The published figures and settings, as data: the only place in this project where they are written.

Source: L. Rafiee Sevyeri and T. Fevens, "Contrastive Generative Adversarial Network for Anomaly
Detection": Tables 1 to 4, section 2, appendix A.3.
"""

from functools import cache
from pathlib import Path

import pandas as pd
import yaml

HERE = Path(__file__).parent


def table(number: int) -> pd.DataFrame:
    """Table 1, 2, 3 or 4 as printed: AUROC in percent, one row per published cell; empty where not given."""
    return pd.read_csv(HERE / f"table{number}.csv", dtype={"class": str})


@cache
def settings() -> dict:
    """What section 2 and appendix A.3 state: optimiser, rates, sizes, epochs and weights."""
    return yaml.safe_load((HERE / "hyperparameters.yaml").read_text())
