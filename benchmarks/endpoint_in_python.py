"""The far ends where no compiler is: as endpoint.c, but slow enough to be the bottleneck.

python -m benchmarks.endpoint_in_python <delay ms> <folder>
"""

import json
import os
import shutil
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_RESULT = {"SequenceNumber": "4" * 56, "ShardId": "shardId-000000000000"}
_SHARD = {
    "ShardId": "shardId-000000000000",
    "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": str(2**128 - 1)},
    "SequenceNumberRange": {"StartingSequenceNumber": "1"},
}
_SUMMARY = {
    "StreamName": "bench",
    "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/bench",
    "StreamStatus": "ACTIVE",
    "RetentionPeriodHours": 24,
    "StreamCreationTimestamp": 1,
    "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
    "OpenShardCount": 1,
    "HasMoreShards": False,
    "Shards": [_SHARD],
}


class _FarEnds(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delay_seconds = 0.0
    folder = Path()
    counts: dict[str, int] = {"requests": 0, "records": 0, "bytes": 0}  # noqa: RUF012 - one process, one count

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = str(self.headers["X-Amz-Target"]).partition(".")[2]
        if target.startswith("PutRecord"):
            count = body.count(b'"PartitionKey"')
            for name, value in (("requests", 1), ("records", count), ("bytes", len(body))):
                self.counts[name] += value
            time.sleep(self.delay_seconds)
            many = {"FailedRecordCount": 0, "Records": [_RESULT] * count}
            self._answer(many if target == "PutRecords" else _RESULT)
        elif target == "ListShards":
            self._answer({"Shards": [_SHARD]})
        else:
            self._answer({"StreamDescription": _SUMMARY, "StreamDescriptionSummary": _SUMMARY})

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        if path == "-/stats":
            self._answer(self.counts)
        elif path.startswith("-/delay/"):
            type(self).delay_seconds = float(path.rpartition("/")[2]) / 1000
            self._answer({})
        else:
            file = self.folder / Path(path).name
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(file.stat().st_size))
            self.end_headers()
            with file.open("rb") as source:
                shutil.copyfileobj(source, self.wfile, 1 << 20)

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def main() -> None:
    """Serve until standard input closes."""
    _FarEnds.delay_seconds = float(sys.argv[1]) / 1000
    _FarEnds.folder = Path(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _FarEnds)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
