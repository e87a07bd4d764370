"""Runs the emulator, patched where it differs from AWS: ``python -m local_aws.emulator.launcher``.

Settings come from the environment, the emulator's own (``GATEWAY_PORT``, ``BIND_HOST``, ``AUTH`` …)
and those of the patches (``FIREHOSE_TIME_SCALE``, ``ALARM_TIME_SCALE``, ``IAM_DECISIONS_FILE``,
``S3_AGE_SECONDS``, ``TLS_IN_FRONT``).
``local_aws.emulator.instance`` sets them; start this by hand only to look for a mistake.
"""

import argparse
import sys
from importlib import import_module

from local_aws.emulator import patches
from local_aws.emulator.patches import patch_point
from local_aws.processes.supervise import stop_with_parent

PATCHES = (
    "kinesis",
    "firehose_description",
    "firehose_delivery",
    "iam_decisions",
    "iam_lambda_actions",
    "iam_scheduler_resources",
    "iam_sqs_actions",
    "iam_transport",
    "secret_versions",
    "embedded_metrics",
    "metric_data",
    "alarm_descriptions",
    "alarm_states",
    "queue_metrics",
    "stream_metrics",
    "lambda_metrics",
    "error_types",
    "object_age",
    "health",
    "repeated_requests",
)


def apply_patches() -> None:
    """Applies every patch to the imported emulator.

    Raises:
        EmulatorChanged: Naming the version or the private name that is not as expected.
    """
    patch_point.require_version()
    for patch in PATCHES:
        import_module(f"{patches.__name__}.{patch}").apply()


def main() -> None:
    """Serves until SIGTERM or, with ``--until-stdin-closes``, until whoever started it is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when standard input ends")
    if parser.parse_args().until_stdin_closes:
        stop_with_parent()
    try:
        apply_patches()
    except patch_point.EmulatorChanged as error:
        sys.exit(f"The local AWS cannot start: {error}")
    from ministack.app import main as serve

    sys.argv[1:] = []  # the emulator reads the command line too
    serve()


if __name__ == "__main__":
    main()
