"""The deployment: reads the functions' declarations, and makes of each what AWS needs to run it."""

import sys
from pathlib import Path

# The layer is no installed package; whoever imports any of infra can import it, too.
_LAYER = str(Path(__file__).resolve().parent.parent / "layers" / "drumbeat" / "python")
if _LAYER not in sys.path:
    sys.path.insert(0, _LAYER)
