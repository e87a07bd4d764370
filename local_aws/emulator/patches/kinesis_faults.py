"""Kinesis: PutRecords refuses, on demand, records or whole requests, or loses the answer.

AWS throttles by shard (1,000 records or 1 MiB a second) and then refuses single entries of an
accepted request; it may also refuse the request, or accept it while the answer never arrives.
The emulator never does. A JSON file, read anew for each request, says what shall happen::

    {"record_error_rate": 0.3, "record_error_code": "ProvisionedThroughputExceededException",
     "request_error_rate": 0.0, "request_error_code": "ProvisionedThroughputExceededException",
     "lost_answer_rate": 0.0, "seed": 1}

Rates are probabilities from 0 to 1, drawn from one generator started with ``seed``. A missing or
empty file means no faults; an unknown key or a bad value fails the request and says so.
"""

import base64
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import kinesis

from local_aws.emulator.patches import patch_point

FILE_VARIABLE = "KINESIS_FAULTS_FILE"
THROTTLED = "ProvisionedThroughputExceededException"
DEFAULTS: dict[str, Any] = {
    "record_error_rate": 0.0,
    "record_error_code": THROTTLED,
    "request_error_rate": 0.0,
    "request_error_code": THROTTLED,
    "lost_answer_rate": 0.0,
    "seed": 1,
}
LARGEST_RECORD_BYTES = 1024 * 1024
LARGEST_REQUEST_BYTES = 5 * 1024 * 1024
MOST_RECORDS = 500

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Answer]


def apply() -> None:
    """Replaces PutRecords if the environment names a faults file.

    Raises:
        EmulatorChanged: If a private name is missing.
    """
    path = os.environ.get(FILE_VARIABLE)
    if path:
        patch_point.wrap(kinesis, "_put_records", _Faults(Path(path)).around)


def read_faults(path: Path) -> dict[str, Any]:
    """The faults asked for, every key present.

    Raises:
        ValueError: Naming the file and the key that is unknown or out of range.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    wanted: dict[str, Any] = json.loads(text) if text.strip() else {}
    for key, value in wanted.items():
        if key not in DEFAULTS:
            raise ValueError(f"{path}: unknown key {key!r}; known are {', '.join(DEFAULTS)}")
        if key.endswith("_rate") and not (isinstance(value, int | float) and 0 <= value <= 1):
            raise ValueError(f"{path}: {key} is {value!r}; it is a probability from 0 to 1")
    return {**DEFAULTS, **wanted}


class _Faults:
    """Decides for each request what goes wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seed: object = None
        self.random = random.Random(0)

    def around(self, original: Handler) -> Handler:
        def put_records(request: dict[str, Any]) -> Answer:
            try:
                faults = read_faults(self.path)
            except ValueError as error:
                return _error("InvalidArgumentException", str(error), 400)
            if faults["seed"] != self.seed:
                self.seed = faults["seed"]
                self.random = random.Random(faults["seed"])
            if _is_over_a_limit(request):
                return original(request)
            return self._answer(original, request, faults)

        return put_records

    def _answer(self, original: Handler, request: dict[str, Any], faults: dict[str, Any]) -> Answer:
        if self.random.random() < faults["request_error_rate"]:
            return _error(faults["request_error_code"], "Rate exceeded for the stream.", 400)
        records = request.get("Records", [])
        refused = {n for n in range(len(records)) if self.random.random() < faults["record_error_rate"]}
        accepted = [record for n, record in enumerate(records) if n not in refused]
        answer = original({**request, "Records": accepted})
        if answer[0] == 200 and self.random.random() < faults["lost_answer_rate"]:
            return _error("InternalFailure", "The answer was lost after the records were stored.", 500)
        return _woven(answer, len(records), refused, faults["record_error_code"]) if refused else answer


def _woven(answer: Answer, count: int, refused: set[int], code: str) -> Answer:
    """The answer with an error entry at each refused place."""
    status, headers, body = answer
    if status != 200:
        return answer
    document = json.loads(body)
    accepted = iter(document["Records"])
    error = {"ErrorCode": code, "ErrorMessage": "Rate exceeded for the shard."}
    document["Records"] = [error if n in refused else next(accepted) for n in range(count)]
    document["FailedRecordCount"] = len(refused)
    return status, headers, json.dumps(document).encode()


def _is_over_a_limit(request: dict[str, Any]) -> bool:
    """Whether the emulator refuses the request as a whole, which must not depend on what is left of it."""
    records = request.get("Records", [])
    sizes = [len(base64.b64decode(record.get("Data", ""))) for record in records]
    keys = sum(len(record.get("PartitionKey", "").encode()) for record in records)
    largest = max(sizes, default=0)
    return (
        len(records) > MOST_RECORDS
        or largest > LARGEST_RECORD_BYTES
        or sum(sizes) + keys > LARGEST_REQUEST_BYTES
    )


def _error(code: str, message: str, status: int) -> Answer:
    answer: Answer = error_response_json(code, message, status)
    return answer
