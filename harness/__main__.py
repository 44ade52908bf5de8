"""``python -m harness`` is the same command as ``bridgebench``."""

import sys

from harness.main import main

sys.exit(main())
