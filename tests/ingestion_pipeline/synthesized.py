"""Terraform JSON with the look-ups that tests need."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from tests.ingestion_pipeline.jsonencoded import START, decoded

Json = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """A stack's Terraform JSON, parsed.

    Attributes:
        text: As cdktf wrote it.
        json: The same, parsed.
    """

    text: str
    json: Json

    def resources(self, kind: str) -> dict[str, Json]:
        """Resources of a type by their name; empty if there is none."""
        return self.json.get("resource", {}).get(kind, {})  # type: ignore[no-any-return]

    def only(self, kind: str, part: str = "") -> Json:
        """The one resource of a type whose name has ``part`` in it."""
        return self._named(kind, part)[1]

    def address(self, kind: str, part: str = "") -> str:
        """The Terraform address of that one resource."""
        return f"{kind}.{self._named(kind, part)[0]}"

    def _named(self, kind: str, part: str) -> tuple[str, Json]:
        found = [(name, value) for name, value in self.resources(kind).items() if part in name]
        assert len(found) == 1, f"{len(found)} {kind} with {part!r} in the name: {list(self.resources(kind))}"
        return found[0]

    def documents(self) -> dict[str, list[Json]]:
        """Statements of every policy by ``<kind>.<name>.<argument>``; actions and resources are lists."""
        return {
            f"{kind}.{name}.{argument}": statements_of(resource[argument])
            for kind, resources in self.json.get("resource", {}).items()
            for name, resource in resources.items()
            for argument in ("policy", "assume_role_policy")
            if START in resource.get(argument, "")
        }

    def statements(self, part: str) -> list[Json]:
        """Statements of the one policy whose place has ``part`` in it."""
        documents = self.documents()
        found = [place for place in documents if part in place]
        assert len(found) == 1, f"{len(found)} policies with {part!r} in the place: {list(documents)}"
        return documents[found[0]]

    def allowed(self) -> list[Json]:
        """Every statement that permits something, in any document."""
        return [s for statements in self.documents().values() for s in statements if s["Effect"] == "Allow"]

    def addresses(self) -> list[str]:
        """Kind and address of everything that Terraform keeps in its state or prints, sorted."""
        return sorted(
            [f"{kind} {type_}.{name}" for kind in ("data", "resource") for type_, name in self._entries(kind)]
            + [f"output {name}" for name in self.json.get("output", {})]
        )

    def _entries(self, kind: str) -> Iterator[tuple[str, str]]:
        for type_, entries in self.json.get(kind, {}).items():
            yield from ((type_, name) for name in entries)


def statements_of(policy: str) -> list[Json]:
    """Statements of a policy as Terraform encodes it; actions and resources are lists."""
    document = decoded(policy)
    assert document.pop("Version") == "2012-10-17"
    (statements,) = document.values()
    for statement in statements:
        for key in {"Action", "Resource"} & set(statement):
            statement[key] = statement[key] if isinstance(statement[key], list) else [statement[key]]
    return list(statements)


def settings_of(name: str, environment: str = "dev") -> Settings:
    """The default settings of a pipeline in Ireland."""
    return Settings(environment=environment, pipeline=PipelineSettings(name=name, region="eu-west-1"))


def stack_json(settings: Settings, output: Path) -> Json:
    """The JSON of the stack that settings make."""
    from cdktf import App

    from ingestion_pipeline.stack import IngestionStack

    app = App(outdir=str(output))
    IngestionStack(app, "stack", settings=settings)
    app.synth()
    found: Json = json.loads((output / "stacks/stack/cdk.tf.json").read_text(encoding="utf-8"))
    return found
