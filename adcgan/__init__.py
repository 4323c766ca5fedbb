"""AD-CGAN companion: a contrastive generative adversarial network for anomaly detection, reproduced.

Data flows one way, and so do the imports::

    data -> architectures, networks, losses -> methods -> training -> scores -> evaluation
         -> records (runs/) -> tables, figures -> book/
"""

__version__ = "0.1.0"
