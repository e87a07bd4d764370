# Most of what can be set, a schedule that has the function fetch every hour, and a reader of the bucket.

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

data "aws_caller_identity" "current" {}

module "ingestion" {
  source = "../.."

  name        = "orders"
  environment = "prod"
  account_id  = data.aws_caller_identity.current.account_id
  region      = "eu-central-1"
  tags        = { Team = "data" }

  sources = [
    {
      name       = "orders"
      url        = "https://api.example.com/v2/orders"
      auth       = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf" }
      pagination = { kind = "link_header" }
    },
    { name = "customers", url = "https://api.example.com/v2/customers.ndjson", format = "ndjson" },
  ]

  stream_shard_count     = 4
  stream_retention_hours = 72

  delivery_buffer_mib         = 64
  delivery_buffer_seconds     = 60
  delivery_data_prefix        = "records/"
  delivery_error_prefix       = "failed/"
  delivery_log_retention_days = 30

  lake_noncurrent_version_days = 30
  lake_unfinished_upload_days  = 2

  function_memory_mib           = 1024
  function_timeout_seconds      = 300
  function_reserved_concurrency = 2
  function_log_retention_days   = 30

  fetch_allowed_hosts = ["api.example.com"]

  dead_letters_queue_retention_days = 7
}

resource "aws_scheduler_schedule" "hourly" {
  name                = "fetch-orders"
  schedule_expression = "rate(1 hour)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.ingestion.function_arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ source = "orders" })
  }
}

resource "aws_iam_role" "scheduler" {
  name = "fetch-orders-hourly"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "scheduler.amazonaws.com" }
        # Without it, another account's schedule could be talked into using the role.
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  name = "invoke"
  role = aws_iam_role.scheduler.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "lambda:InvokeFunction", Resource = module.ingestion.function_arn },
    ]
  })
}

output "bucket_name" {
  description = "Bucket that holds the records."
  value       = module.ingestion.bucket_name
}
