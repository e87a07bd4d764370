# Two pipelines in one Region by for_each, and one of them in a second Region by another provider.

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
  alias  = "europe"
  region = "eu-west-1"
}

provider "aws" {
  alias  = "america"
  region = "us-east-1"
}

data "aws_caller_identity" "current" {}

locals {
  pipelines = {
    orders = { url = "https://api.example.com/orders", shards = 2 }
    clicks = { url = "https://api.example.com/clicks", shards = 4 }
  }
}

module "europe" {
  source   = "../.."
  for_each = local.pipelines

  providers = {
    aws = aws.europe
  }

  name               = each.key
  account_id         = data.aws_caller_identity.current.account_id
  region             = "eu-west-1"
  sources            = [{ name = each.key, url = each.value.url }]
  stream_shard_count = each.value.shards
}

module "america" {
  source = "../.."

  providers = {
    aws = aws.america
  }

  name       = "orders"
  account_id = data.aws_caller_identity.current.account_id
  region     = "us-east-1"
  sources    = [{ name = "orders", url = local.pipelines.orders.url }]
}

output "europe" {
  description = "Function and bucket of each pipeline in Europe."
  value       = { for name, pipeline in module.europe : name => { function = pipeline.function_name, bucket = pipeline.bucket_name } }
}

output "america" {
  description = "Function and bucket of the pipeline in America."
  value       = { function = module.america.function_name, bucket = module.america.bucket_name }
}
