"""Examines a URL, or checks a configured source: ``make probe SOURCE=… [FORMAT=hcl]``.

``make probe URL=… [HEADERS='Name: value'] [METHOD=POST] [BODY='{…}'] [FORMAT=hcl]`` proposes a source.
``BODY`` alone makes a POST. ``FORMAT=hcl`` prints the block as the Terraform module takes it.

A secret is given in the environment and never printed: PROBE_AUTHORIZATION is the value of that header,
PROBE_API_KEY is ``Name: value`` of another one.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.rules import SettingsError
from tools.ground.paths import ROOT
from tools.probe.block import hcl_block, toml_block
from tools.probe.client import BoundReached, Client, Secrets
from tools.probe.given import Given, GivenError, from_source, from_url, with_request
from tools.probe.look import look
from tools.probe.proposal import report
from url_fetcher.clients import Clients
from url_fetcher.errors import IngestionError
from url_fetcher.telling.redaction import secrets_in


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Prints the findings.

    Returns 1 if a configured source does not work as it is configured, or if the source has more than the
    block reads.
    """
    parser = argparse.ArgumentParser(prog="probe", description=__doc__)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--url", default="", help="any address, with its query")
    wanted.add_argument("--source", default="", help="name of a configured source")
    parser.add_argument("--header", action="append", default=[], help="Name: value; not for secrets")
    parser.add_argument("--method", default="", choices=["GET", "POST"], help="default: POST with a body")
    parser.add_argument("--body", default="", help="of a POST: JSON, or any text")
    parser.add_argument("--format", default="toml", choices=["toml", "hcl"], help="of the block")
    options = parser.parse_args(arguments)
    clients = Clients()
    try:
        given = _given(options, environ)
    except (GivenError, SettingsError) as error:
        sys.exit(f"probe: {error}")
    clients.redactor.learn(*given.secrets, *secrets_in(str(given.settings["url"])))
    client = Client(
        Secrets(given.credentials, open_cache=lambda: clients.secrets, own_role=lambda: clients.own_role),
        ca_certificates=str(given.settings.get("ca_certificates", "")),
    )
    try:
        found = look(given.settings, client)
    except (BoundReached, IngestionError) as error:
        sys.exit(f"probe: {clients.redactor.clean(str(error))}")
    finally:
        client.close()
    write = hcl_block if options.format == "hcl" else toml_block
    print(clients.redactor.clean(report(found, client.spent, given.doubts, write=write)), end="")
    return int(found.is_broken or bool(found.more))


def _given(options: argparse.Namespace, environ: Mapping[str, str]) -> Given:
    if options.url:
        headers = [line for each in options.header for line in each.splitlines() if line.strip()]
        return with_request(from_url(options.url, headers, environ), options.method, options.body)
    path = Path(environ.get("PIPELINE_TOML") or ROOT / "pipeline.toml")
    sources: Sequence[Any] = read(path, environ.get("ENV") or "dev").sources
    for source in sources:
        if source.get("name") == options.source:
            return from_source(source, environ)
    names = ", ".join(str(each.get("name")) for each in sources if each.get("name")) or "none"
    raise GivenError(f"source {options.source!r} is not configured in {path.name}; configured are: {names}")


if __name__ == "__main__":
    sys.exit(main())
