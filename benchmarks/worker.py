"""One variant in a process of its own: runs it a few times and writes what it took, as JSON.

python -m benchmarks.worker <variant> <source URL> <endpoint> <runs> <file to write>
"""

import json
import os
import re
import sys
import time
from importlib import metadata
from pathlib import Path

_PACKAGES = (
    "boto3",
    "botocore",
    "requests",
    "async-kinesis",
    "aws-kinesis-agg",
    "dlt",
    "msgspec",
    "pybase64",
    "xxhash",
)


def main() -> None:
    """Run one variant: once to warm up, then as often as told."""
    variant, url, endpoint, runs, out = sys.argv[1:]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": os.environ.get("AWS_ENDPOINT_URL_S3", endpoint),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    measured = []
    for number in range(int(runs) + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        count = _run(variant, url, endpoint)
        measured.append(
            {"records": count, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        )
        if number == 0 and int(runs):
            measured.clear()
    result = {"runs": measured, "peak_rss_mb": _peak_rss_mb(), "versions": _versions()}
    Path(out).write_text(json.dumps(result))


def _run(variant: str, url: str, endpoint: str) -> int:
    # Imported by need: ours and theirs live in different environments.
    from benchmarks.many_urls.queue import QUEUED, ingest_list

    if variant == QUEUED:
        return ingest_list(url, endpoint)
    if variant.startswith("url_fetcher"):
        from benchmarks.ours import SETTINGS, ingest

        settings = SETTINGS[variant]
        return ingest(
            url,
            endpoint,
            packing=settings.get("packing", "lines"),
            record_path=settings.get("record_path", ""),
        )
    from benchmarks.many_urls.peers import URL_VARIANTS
    from benchmarks.peers import ONE_SHARD_VARIANTS, VARIANTS

    return (VARIANTS | ONE_SHARD_VARIANTS | URL_VARIANTS)[variant](url, endpoint)


def _peak_rss_mb() -> float:
    # Not getrusage: its maximum is inherited from the process that started this one.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


if __name__ == "__main__":
    main()
