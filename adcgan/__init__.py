"""AD-CGAN companion: a contrastive generative adversarial network for anomaly detection, reproduced.

Data flows one way, and so do the imports::

    data, splits -> architectures, networks, losses, scores, evaluation -> methods -> training
         -> records (runs/) -> tables, study, figures -> companion.pages -> book/
"""

__version__ = "0.1.0"
__all__ = ["AnomalyDetector"]


def __getattr__(name: str):
    """`AnomalyDetector`, imported when it is asked for: the package itself imports without torch."""
    if name == "AnomalyDetector":
        from .detector import AnomalyDetector

        return AnomalyDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
