"""For all tests: one thread per process and no network, set before numpy or torch are imported; and
the folder of the real corpora.
"""

import os
import sys
from pathlib import Path

import pytest
from absl.logging import get_absl_handler

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ |= {
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "TOKENIZERS_PARALLELISM": "false",
}
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
# absl, which rouge-score and mlcroissant bring, writes to the stream found at its import: here a
# file of pytest's capture. Who sets logging up anew, as vLLM does, closes all handlers, and absl's
# closes its stream with it, unless that is the process's own.
get_absl_handler().python_handler.setStream(sys.__stderr__)


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """Folder of the real corpora, which are not part of the project."""
    folder = os.environ.get("SYNTHFR_TEST_DATA")
    if not folder:
        pytest.skip("SYNTHFR_TEST_DATA names no folder with the real corpora")
    wanted = ("fr_e3c_cases", "fr_codiesp_icd10_train", "cim10")
    missing = [name for name in wanted if not (Path(folder) / f"{name}.parquet").is_file()]
    assert not missing, f"SYNTHFR_TEST_DATA is {folder}, which has no {missing[0]}.parquet"
    return Path(folder).resolve()
