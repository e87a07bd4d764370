"""The partition of AWS that a Region belongs to, the second part of every ARN, without asking AWS."""

PARTITIONS = {
    "cn": "aws-cn",
    "eu-isoe": "aws-iso-e",
    "eusc": "aws-eusc",
    "us-gov": "aws-us-gov",
    "us-iso": "aws-iso",
    "us-isob": "aws-iso-b",
    "us-isof": "aws-iso-f",
}
"""By what stands before a hyphen in a Region's name; any other is in ``aws``. AWS's own table:
https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json."""

DEFAULT_PARTITION = "aws"


def partition_of(region: str) -> str:
    """The partition of a Region.

    Example:
        >>> partition_of("us-gov-west-1")
        'aws-us-gov'
    """
    found = (partition for start, partition in PARTITIONS.items() if region.startswith(f"{start}-"))
    return next(found, DEFAULT_PARTITION)
