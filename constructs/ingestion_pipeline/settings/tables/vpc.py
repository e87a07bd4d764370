"""The network that the function runs in: your VPC, or by default Lambda's own network."""

from dataclasses import dataclass

from ingestion_pipeline.settings.expressions import Condition, any_of, not_empty
from ingestion_pipeline.settings.rules import Checked, Problem, switch, texts

LAMBDA_VPC = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"


@dataclass(frozen=True, kw_only=True)
class VpcSettings(Checked):
    """The network that the function runs in: your VPC, or by default Lambda's own network."""

    table = "vpc"
    subnet_ids: tuple[str, ...] = texts(
        "Private subnets that the function runs in, for a fixed egress address or sources in a private "
        "network; empty: Lambda's own network.",
        r"subnet-([0-9a-f]{8}|[0-9a-f]{17})",
        "a list of ids such as subnet-0123456789abcdef0",
        LAMBDA_VPC,
    )
    security_group_ids: tuple[str, ...] = texts(
        "Security groups of the function; required with subnets, not allowed without.",
        r"sg-([0-9a-f]{8}|[0-9a-f]{17})",
        "a list of ids such as sg-0123456789abcdef0",
        LAMBDA_VPC,
    )
    permissions_only: bool = switch(
        False,
        "Whether the function may still manage network interfaces without subnets: for the deployment that "
        "takes it out of the VPC, because Lambda deletes its interfaces later, with the function's role.",
    )

    @property
    def wants_permissions(self) -> Condition:
        """True if Lambda manages network interfaces with the function's role."""
        return any_of(not_empty(self.subnet_ids), self.permissions_only)

    def conflicts(self) -> list[Problem]:
        """The problem of subnets without security groups, or the reverse."""
        if bool(self.subnet_ids) == bool(self.security_group_ids):
            return []
        advice = f"vpc.subnet_ids and vpc.security_group_ids go together: give both or neither ({LAMBDA_VPC})"
        return [Problem(f"{self.table}.security_group_ids", self.security_group_ids, advice)]
