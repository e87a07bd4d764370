"""Plays many random histories of the work queue, and says what was lost.

    python -m benchmarks.histories [--count 400] [--seed 0]

A loss ends it with the seed of its history: ``--count 1 --seed <that>`` plays it again, but for the order of
threads.
"""

import argparse
import time

import tools  # noqa: F401 - puts the function's root on the path
from benchmarks.histories.history import History, Lost

PACKINGS = ("lines", "gzip")


def main() -> None:
    """Play them, one packing after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    urls = calls = failed = died = 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        history = History(seed, PACKINGS[seed % len(PACKINGS)])
        try:
            history.play()
        except Lost as error:
            raise SystemExit(f"seed {seed}: {error}") from error
        urls += len(history.pages)
        calls += sum(each.calls for each in history.processes)
        failed += sum(each.failed for each in history.processes)
        died += sum(each.died for each in history.processes)
    print(
        f"{arguments.count} histories with {urls:,} URLs and {calls:,} calls, {failed:,} of which failed, "
        f"and {died:,} deaths in {time.monotonic() - began:.0f} s: 0 URLs lost, 0 that do not belong"
    )


if __name__ == "__main__":
    main()
