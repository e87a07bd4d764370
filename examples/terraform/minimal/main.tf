# One source, everything else by default.

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

  name       = "posts"
  account_id = data.aws_caller_identity.current.account_id
  region     = "eu-central-1"
  sources = [
    { name = "posts", url = "https://jsonplaceholder.typicode.com/posts" },
  ]
}

output "function_name" {
  description = "Function to invoke."
  value       = module.ingestion.function_name
}

output "bucket_name" {
  description = "Bucket that holds the records."
  value       = module.ingestion.bucket_name
}
