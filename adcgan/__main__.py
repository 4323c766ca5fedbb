"""``python -m adcgan`` is ``adcgan``."""

import sys

from .cli import main

sys.exit(main())
