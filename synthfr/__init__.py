"""Synth-FR: private, useful synthetic clinical reports, aligned round by round with DPO.

The domain package. It knows no command line, no DVC and no repository path; only ``cli`` (the tool
for people) and ``tracking`` (MLflow) reach outside.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("synthfr")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0+unknown"
