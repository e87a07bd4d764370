# Keys of your own for the stream, for both queues and for the secret of a source.

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
  description         = "Records on the stream."
  enable_key_rotation = true
}

resource "aws_kms_key" "events" {
  description         = "Events in the queues."
  enable_key_rotation = true
}

module "ingestion" {
  source = "../.."

  name       = "orders"
  account_id = data.aws_caller_identity.current.account_id
  region     = "eu-central-1"
  sources = [
    {
      name = "orders"
      url  = "https://api.example.com/v2/orders"
      auth = {
        kind = "bearer"
        # Both exist: how many policies the secrets need has to be known when Terraform plans.
        secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf"
        kms_key    = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
      }
    },
  ]

  stream_kms_key       = aws_kms_key.records.arn
  queue_kms_key        = aws_kms_key.events.arn
  dead_letters_kms_key = aws_kms_key.events.arn
}

# Who encrypts and decrypts, if the keys' policies do not leave that to IAM.
output "roles" {
  description = "ARNs of the function's and of Firehose's role."
  value       = [module.ingestion.function_role_arn, module.ingestion.delivery_role_arn]
}
