"""AD-CGAN companion: a contrastive generative adversarial network for anomaly detection, reproduced.

Data flows one way, and so do the imports::

    data, splits -> architectures, networks, losses, scores, evaluation -> methods -> training
         -> records (runs/) -> tables, study, figures -> companion.pages -> book/
"""

__version__ = "0.1.0"
