"""That the Query protocol, which Terraform speaks, tells all of an alarm; not how AWS evaluates it."""

from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config

from local_aws.emulator.instance import REGION, Emulator

ALARM = {
    "AlarmName": 'slow <"&">',
    "Namespace": "AWS/Lambda",
    "MetricName": "Duration",
    "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
    "Period": 300,
    "EvaluationPeriods": 3,
    "Threshold": 1500.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:alarms"],
}


@pytest.fixture
def cloudwatch(aws: Emulator) -> Any:
    """A client that speaks Query as the Terraform provider does, where boto3 itself would choose CBOR."""
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def load_as_query(service: str, kind: str, **options: Any) -> Any:
        model = load(service, kind, **options)
        if (service, kind) == ("cloudwatch", "service-2"):
            model["metadata"].update(protocol="query", protocols=["query"])
        return model

    loader.load_service_model = load_as_query
    return boto3.Session(botocore_session=session).client(
        "cloudwatch",
        endpoint_url=aws.endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={}),
    )


def settings_of(alarm: Any, wanted: Any) -> Any:
    """What the description says of the settings that were asked for."""
    return {name: alarm.get(name) for name in wanted}


@pytest.mark.parametrize("statistic", [{"Statistic": "Maximum"}, {"ExtendedStatistic": "p99"}])
def test_a_metric_alarm_is_described_with_every_setting(cloudwatch: Any, statistic: dict[str, str]) -> None:
    """Plain and percentile alarms come back as they were put."""
    wanted = {**ALARM, **statistic}
    cloudwatch.put_metric_alarm(**wanted)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[ALARM["AlarmName"]])["MetricAlarms"]

    assert settings_of(alarm, wanted) == wanted
    assert ("Statistic" in alarm) == ("Statistic" in statistic)


def test_a_composite_alarm_is_described_with_every_setting(cloudwatch: Any) -> None:
    """Rule, description and actions come back as they were put."""
    cloudwatch.put_metric_alarm(**{**ALARM, "AlarmName": "part", "Statistic": "Sum"})
    wanted = {
        "AlarmName": "whole",
        "AlarmRule": 'ALARM("part")',
        "AlarmDescription": "one & all",
        "ActionsEnabled": True,
        "AlarmActions": ALARM["AlarmActions"],
    }
    cloudwatch.put_composite_alarm(**wanted)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["whole"], AlarmTypes=["CompositeAlarm"])[
        "CompositeAlarms"
    ]

    assert settings_of(alarm, wanted) == wanted
