# Sources from a variable with a type: Terraform refuses a misspelt value before anything is planned.

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

variable "sources" {
  description = "What to fetch. What a source leaves out is null, which the module takes for absent."
  type = list(object({
    name        = string
    url         = string
    format      = optional(string)
    record_path = optional(string)
    query       = optional(map(string))
    auth = optional(object({
      kind       = string
      secret_arn = string
    }))
    pagination = optional(object({
      kind = string
      path = optional(string)
    }))
  }))
  default = [
    { name = "posts", url = "https://jsonplaceholder.typicode.com/posts" },
    {
      name        = "orders"
      url         = "https://api.example.com/v2/orders"
      record_path = "data"
      query       = { status = "paid" }
      auth        = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf" }
      pagination  = { kind = "next_url", path = "links.next" }
    },
  ]
}

module "ingestion" {
  source = "../.."

  name       = "typed"
  account_id = data.aws_caller_identity.current.account_id
  region     = "eu-central-1"
  sources    = var.sources
}

output "function_name" {
  description = "Function to invoke."
  value       = module.ingestion.function_name
}
