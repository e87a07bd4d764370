"""Tells somebody when the pipeline fails, stands still or loses records, and when it is well again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingestion_pipeline.settings.expressions import (
    Condition,
    Unknown,
    any_of,
    expression_of,
    not_empty,
    unknown,
)
from ingestion_pipeline.settings.patterns import KEY_ARN
from ingestion_pipeline.settings.rules import Checked, Rule, switch, text, texts

EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
TOPIC_ARN = r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"
TOPICS = "a list of ARNs of standard SNS topics"
ACTIONS_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"
KEY_PAGE = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
OFF = "off"


@dataclass(frozen=True, kw_only=True)
class AlarmSettings(Checked):
    """Tells somebody when the pipeline fails, stands still or loses records, and when it is well again."""

    table = "alarms"
    emails: tuple[str, ...] = texts(
        "Addresses that get each alarm, and its end, from a topic that is made for them. Each has to confirm "
        "by the link that AWS sends it. No alarm exists without a receiver.",
        EMAIL,
        "a list of e-mail addresses",
        ACTIONS_PAGE,
    )
    topic_arns: tuple[str, ...] = texts(
        "SNS topics of yours that get each alarm, and its end; they must let CloudWatch publish.",
        TOPIC_ARN,
        TOPICS,
        ACTIONS_PAGE,
    )
    pager_topic_arns: tuple[str, ...] = texts(
        "SNS topics of yours that get nothing but the alarm `unhealthy`, which stands as long as any other "
        "does: one incident for a pager, however many alarms belong to it.",
        TOPIC_ARN,
        TOPICS,
        ACTIONS_PAGE,
    )
    kms_key: str = text(
        "",
        "KMS key of yours that encrypts the topic, by its ARN; its policy must let cloudwatch.amazonaws.com "
        "use it, or nobody is told. Empty: the topic is not encrypted. AWS's own key cannot be used.",
        f"({KEY_ARN})?",
        "empty, or the ARN of a key",
        KEY_PAGE,
    )
    overrides: Mapping[str, object] = field(
        default_factory=dict,
        metadata={
            "rule": Rule(
                "Another threshold for an alarm, by its name, or `off` for none, such as "
                '`{ delivery-late = 3600, throttled = "off" }`.',
                dict,
                pattern=rf"{OFF}|\d+(\.\d+)?",
                form=f'a table of numbers, or "{OFF}", by the names of alarms',
            )
        },
    )
    dashboard: bool = switch(
        False, "Whether a dashboard is made of what the alarms watch, and of each source's records."
    )

    @property
    def enabled(self) -> Condition:
        """True if somebody is told, so that alarms exist."""
        return any_of(*map(not_empty, (self.emails, self.topic_arns, self.pager_topic_arns)))

    def has(self, name: str) -> Condition:
        """True unless an override switches the alarm of that name off."""
        if table := expression_of(self.overrides):
            return Unknown(f'lookup({table}, "{name}", "") != "{OFF}"')
        return self.overrides.get(name) != OFF

    def threshold(self, name: str, derived: int) -> object:
        """The threshold of an alarm.

        Args:
            name: Name of the alarm.
            derived: The threshold that follows from the other settings.
        """
        if table := expression_of(self.overrides):
            default = expression_of(derived) or derived
            # Terraform computes the threshold of an alarm that is off, too.
            return unknown(int, f'try(tonumber({table}["{name}"]), {default})')
        return self.overrides.get(name, derived)
