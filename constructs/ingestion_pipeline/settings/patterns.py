"""Patterns that more than one setting uses, with their form in words."""

ACCOUNT_ID = r"\d{12}"
BUCKET_FORM = (
    "lower-case letters, digits, single dots and hyphens, 3 to 63 characters, nothing that S3 reserves"
)
RESERVED_BUCKET_NAMES = (
    r"(?!xn--|sthree-|amzn-s3-demo-|(\d+\.){3}\d+$)(?!.*(\.\.|-s3alias$|--(ol|x|table)-s3$|\.mrap$))"
)
BUCKET_NAME = RESERVED_BUCKET_NAMES + r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
BUCKET_NAMES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
ENVIRONMENT = r"[a-z][a-z0-9]{0,19}"
ENVIRONMENT_FORM = "1 to 20 lower-case letters and digits, starting with a letter: it is a part of every name"
HOST_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
KEY_ARN = r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
LITERAL_PREFIX = r"[A-Za-z0-9_][A-Za-z0-9_.=/-]{0,198}/"
