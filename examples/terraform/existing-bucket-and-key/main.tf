# One key of one's own encrypts the stream and a bucket that the module did not make.

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

resource "aws_kms_key" "records" {
  description         = "Records on their way to the lake and in it."
  enable_key_rotation = true
}

resource "aws_s3_bucket" "lake" {
  bucket = "shared-lake-${data.aws_caller_identity.current.account_id}"
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.records.arn
    }
  }
}

module "ingestion" {
  source = "../.."

  name                 = "events"
  account_id           = data.aws_caller_identity.current.account_id
  region               = "eu-central-1"
  sources              = [{ name = "events", url = "https://api.example.com/events" }]
  stream_kms_key       = aws_kms_key.records.arn
  delivery_data_prefix = "events/"

  existing_bucket = {
    arn     = aws_s3_bucket.lake.arn
    name    = aws_s3_bucket.lake.bucket
    kms_key = aws_kms_key.records.arn
  }
}

output "function_role_arn" {
  description = "Whom the key's policy names, if it does not leave that to IAM."
  value       = module.ingestion.function_role_arn
}

output "delivery_role_arn" {
  description = "Whom the key's policy names, if it does not leave that to IAM."
  value       = module.ingestion.delivery_role_arn
}
