"""ArcGIS: features by resultOffset until exceededTransferLimit is not true; errors are answers 200."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

PATH = "/P3ePLMYs2RVChkJx/arcgis/rest/services/USA_Counties/FeatureServer/0/query"
MAX_RECORD_COUNT = 10
KNOWN = {
    "f",
    "where",
    "outFields",
    "outSR",
    "orderByFields",
    "resultOffset",
    "resultRecordCount",
    "returnGeometry",
}
WHERE = re.compile(r"1=1|EditDate >= TIMESTAMP '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d'")


def feature(number: int) -> dict[str, Any]:
    """A feature of the layer."""
    attributes = {"OBJECTID": number, "NAME": f"Doña Ana {number}", "POPULATION": None}
    return {"attributes": attributes, "geometry": {"x": -106.5 + number / 100, "y": 32.25}}


@dataclass
class Layer:
    """As https://developers.arcgis.com/rest/services-reference/enterprise/query-feature-service-layer/ says.

    Attributes:
        features: What it has, in the order of its OBJECTID.
        says_false: Whether the last page has the flag as false; else it is missing there.
        failing: The code of the error in each answer behind the second page.
        failures: How many answers have it.
    """

    features: list[dict[str, Any]] = field(default_factory=lambda: [feature(n) for n in range(1, 46)])
    says_false: bool = False
    failing: int = 0
    failures: int = 1_000
    pages: int = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one query: the status is 200 whatever happens."""
        answer(json.dumps(self._answered(request.query)).encode())(connection, request)

    def _answered(self, asked: Any) -> dict[str, Any]:
        wrong = (
            asked.keys() - KNOWN or asked.get("f") != "json" or not WHERE.fullmatch(asked.get("where", ""))
        )
        if wrong or asked.get("outFields") != "*":
            return error(400, "Cannot perform query. Invalid query parameters.")
        if asked.get("orderByFields", "OBJECTID") != "OBJECTID":
            return error(400, "'Invalid field: NOPE' parameter is invalid")
        if self.pages >= 2 and self.failing and self.failures:
            self.failures -= 1
            return error(self.failing, "Unable to perform query. Too many requests.")
        self.pages += 1
        begin = int(asked.get("resultOffset", "0"))
        size = min(int(asked.get("resultRecordCount", MAX_RECORD_COUNT)), MAX_RECORD_COUNT)
        page = self.features[begin : begin + size]
        body: dict[str, Any] = {"objectIdFieldName": "OBJECTID", "geometryType": "esriGeometryPoint"}
        # An empty set of features has no `fields`.
        body |= {"fields": [{"name": "OBJECTID", "type": "esriFieldTypeOID"}]} if page else {}
        has_more = begin + size < len(self.features)
        body |= {"exceededTransferLimit": has_more} if has_more or self.says_false else {}
        return body | {"features": page}


def error(code: int, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": code, "message": message, "details": []}}


class TestArcGis(ResumableContract):
    case = Case(
        "arcgis",
        Layer,
        paths=[PATH],
        records="features",
        limit={"failing": 429, "failures": 2},
        waited={"failures": 0},
        failure={"failing": 503},
        refusal=Refusal("Invalid field: NOPE", settings={"query": {"orderByFields": "NOPE"}}),
    )

    @pytest.mark.parametrize(("says_false", "pages"), [(True, 5), (False, 6)])
    def test_the_flag_ends_it(self, api: Layer, source: Source, says_false: bool, pages: int) -> None:
        """A last page that says so is the last; where the flag is missing, an empty page is."""
        api.says_false = says_false

        assert (self.ingested(source).values, api.pages) == (api.features, pages)
