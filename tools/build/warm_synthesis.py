"""Prepares fast synthesis: bytecode, the trimmed package of the bindings, and jsii's index of its types.

jsii's Node writes the index some time after the first load. If the process ends before, there is no index,
and every synthesis reads all types again.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_WAIT_SECONDS = 60


def main() -> None:
    """Return when everything is written, or after a minute without the index, which only affects speed."""
    sys.dont_write_bytecode = False
    sys.path[:0] = [str(ROOT), str(ROOT / "constructs")]
    from ingestion_pipeline import synth_speed
    from ingestion_pipeline.synth_speed import node

    synth_speed.start()
    import jsii

    from ingestion_pipeline import stack  # noqa: F401 - imports all that is used
    from ingestion_pipeline.synth_speed.trim import trim

    tarball = jsii.kernel.provider.bindings.tarball  # type: ignore[attr-defined]
    trimmed = node.trimmed_file(tarball, node.used_modules())
    if not trimmed.is_file():
        trim(Path(tarball), node.used_modules(), trimmed)
    begun = time.time()
    # Any call makes jsii load the package and write a marker into its cache.
    jsii.kernel.stats()  # type: ignore[no-untyped-call]
    cache = Path.home() / ".cache" / "aws" / "jsii" / "package-cache" / "@cdktf" / "provider-aws"
    markers = cache.glob("*/*/.jsii-runtime-package-cache")
    loaded = [marker.parent for marker in markers if marker.stat().st_mtime >= begun - 1]
    end = time.monotonic() + MAX_WAIT_SECONDS
    while time.monotonic() < end and not all((each / ".jsii.runtime.v1.json").exists() for each in loaded):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
