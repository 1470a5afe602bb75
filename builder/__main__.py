"""`python -m m2build`."""

import sys

from m2build.cli import main

sys.exit(main())
