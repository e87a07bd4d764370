"""Terraform JSON with the look-ups that tests need."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingestion_pipeline.settings.tables import PipelineSettings, Settings

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
        """Statements of every policy document by its name."""
        documents = self.json.get("data", {}).get("aws_iam_policy_document", {})
        return {name: document["statement"] for name, document in documents.items()}

    def statements(self, part: str) -> list[Json]:
        """Statements of the one policy document whose name has ``part`` in it."""
        return self.documents()[self._document(part)]

    def document(self, part: str) -> str:
        """How the JSON of that one policy document is referred to."""
        return f"${{data.aws_iam_policy_document.{self._document(part)}.json}}"

    def _document(self, part: str) -> str:
        found = [name for name in self.documents() if part in name]
        assert len(found) == 1, f"{len(found)} documents with {part!r} in the name: {list(self.documents())}"
        return found[0]

    def allowed(self) -> list[Json]:
        """Every statement that permits something, in any document."""
        return [s for statements in self.documents().values() for s in statements if s["effect"] == "Allow"]

    def addresses(self) -> list[str]:
        """Kind and address of everything that Terraform keeps in its state or prints, sorted."""
        return sorted(
            [f"{kind} {type_}.{name}" for kind in ("data", "resource") for type_, name in self._entries(kind)]
            + [f"output {name}" for name in self.json.get("output", {})]
        )

    def _entries(self, kind: str) -> Iterator[tuple[str, str]]:
        for type_, entries in self.json.get(kind, {}).items():
            yield from ((type_, name) for name in entries)


def settings_of(name: str, environment: str = "dev") -> Settings:
    """The default settings of a pipeline in Ireland."""
    return Settings(environment=environment, pipeline=PipelineSettings(name=name, region="eu-west-1"))
