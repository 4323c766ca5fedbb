"""AD-CGAN companion: a contrastive generative adversarial network for anomaly detection, reproduced.

Data flows one way, and the imports against it; the contracts in pyproject.toml hold them to it::

    data -> models, scoring -> methods -> training, diagnostics -> experiments (runs/) -> the companion (book/)
"""

__version__ = "0.1.0"
__all__ = ["AnomalyDetector"]


def __getattr__(name: str):
    """`AnomalyDetector`, imported when it is asked for: the package itself imports without torch."""
    if name == "AnomalyDetector":
        from .detector import AnomalyDetector

        return AnomalyDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
