"""Benchmarks: how fast each operation of the catalogue is, run by asv, one class a subject.

asv hands a child process only the *index* of a parameter, and the child works the parameters out
again. Workloads, labels and timer must therefore come from one tree, whichever copy of torchstone is
installed beside it: this package puts its own checkout first on `sys.path`. For the same reason
`asv.conf.json` builds and installs nothing: what varies from run to run is torch.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if sys.path[:1] != [str(ROOT)]:
    sys.path.insert(0, str(ROOT))
