"""Prepares quick synths: byte code, a package of only the used bindings, and jsii's index of it.

jsii writes its index from a thread, after the first load, and a process that ends earlier takes the
thread with it; without the index every synth reads all types.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 60


def main() -> None:
    """Return when all is there; of the index after a minute, for it is only a matter of speed."""
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
    # The first question makes jsii load it, and mark in its cache that it did.
    jsii.kernel.stats()  # type: ignore[no-untyped-call]
    cache = Path.home() / ".cache" / "aws" / "jsii" / "package-cache" / "@cdktf" / "provider-aws"
    marks = cache.glob("*/*/.jsii-runtime-package-cache")
    loaded = [mark.parent for mark in marks if mark.stat().st_mtime >= begun - 1]
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and not all((each / ".jsii.runtime.v1.json").exists() for each in loaded):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
