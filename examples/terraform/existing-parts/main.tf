# A stream, roles, log groups and a topic of your own; the module makes nothing in their place.

terraform {
  required_version = ">= 1.10.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

resource "aws_kinesis_stream" "shared" {
  name            = "shared"
  encryption_type = "KMS"
  kms_key_id      = "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}

resource "aws_cloudwatch_log_group" "shared" {
  name              = "/shared/ingestion"
  retention_in_days = 30
}

resource "aws_sns_topic" "failures" {
  name              = "ingestion-failures"
  kms_master_key_id = "alias/aws/sns"
}

data "aws_caller_identity" "current" {}

resource "aws_iam_role" "function" {
  name = "shared-function"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } },
    ]
  })
}

resource "aws_iam_role" "delivery" {
  name = "shared-delivery"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "firehose.amazonaws.com" }
        # Without it, another account's Firehose could be talked into using the role.
        Condition = { StringEquals = { "sts:ExternalId" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })
}

module "ingestion" {
  source = "../.."

  name       = "events"
  account_id = data.aws_caller_identity.current.account_id
  region     = "eu-central-1"
  sources    = [{ name = "events", url = "https://api.example.com/events" }]

  existing_stream              = { arn = aws_kinesis_stream.shared.arn, name = aws_kinesis_stream.shared.name }
  existing_function_log_group  = { arn = aws_cloudwatch_log_group.shared.arn, name = aws_cloudwatch_log_group.shared.name }
  existing_delivery_log_group  = { arn = aws_cloudwatch_log_group.shared.arn, name = aws_cloudwatch_log_group.shared.name }
  existing_failure_destination = { arn = aws_sns_topic.failures.arn }
  existing_function_role       = { arn = aws_iam_role.function.arn }
  existing_delivery_role       = { arn = aws_iam_role.delivery.arn }
}

resource "aws_iam_role_policy" "function" {
  name   = "ingestion"
  role   = aws_iam_role.function.id
  policy = module.ingestion.function_policy_json
}

resource "aws_iam_role_policy" "delivery" {
  name   = "ingestion"
  role   = aws_iam_role.delivery.id
  policy = module.ingestion.delivery_policy_json
}
