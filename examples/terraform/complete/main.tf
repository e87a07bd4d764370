# Most of what can be set, and sources that are fetched by schedules.

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
      schedule   = "rate(1 hour)"
    },
    {
      name             = "customers"
      url              = "https://api.example.com/v2/customers.ndjson"
      format           = "ndjson"
      schedule         = "cron(0 8 ? * MON-FRI *)"
      time_zone        = "Europe/Berlin"
      flexible_minutes = 15
    },
  ]

  stream_shard_count     = 4
  stream_retention_hours = 72

  delivery_buffer_mib         = 64
  delivery_buffer_seconds     = 60
  delivery_data_prefix        = "records/"
  delivery_error_prefix       = "failed/"
  delivery_log_retention_days = 30

  lake_noncurrent_version_days = 30

  function_memory_mib           = 1024
  function_timeout_seconds      = 300
  function_reserved_concurrency = 2
  function_log_retention_days   = 30

  queue_max_concurrency = 2

  fetch_allowed_hosts = ["api.example.com"]

  dead_letters_queue_retention_days = 7

  alarms = {
    emails    = ["ops@example.com"]
    overrides = { delivery-late = 1800 }
    dashboard = true
  }
}

output "bucket_name" {
  description = "Bucket that holds the records."
  value       = module.ingestion.bucket_name
}
