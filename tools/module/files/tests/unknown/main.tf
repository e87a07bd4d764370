# A source whose URL, secret and key are made in the same plan.

terraform {
  required_version = ">= 1.10.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

variable "account_id" {
  description = "The provider's account."
  type        = string
}

variable "region" {
  description = "The provider's Region."
  type        = string
}

resource "aws_apigatewayv2_api" "orders" {
  name          = "orders"
  protocol_type = "HTTP"
}

resource "aws_kms_key" "orders" {
  description         = "The secret of the orders."
  enable_key_rotation = true
}

resource "aws_secretsmanager_secret" "orders" {
  name       = "orders"
  kms_key_id = aws_kms_key.orders.arn
}

module "ingestion" {
  source = "../.."

  account_id = var.account_id
  region     = var.region

  sources = [{
    name = "orders"
    url  = "${aws_apigatewayv2_api.orders.api_endpoint}/orders"
    auth = {
      kind       = "bearer"
      secret_arn = aws_secretsmanager_secret.orders.arn
      kms_key    = aws_kms_key.orders.arn
    }
  }]
}

output "function_name" {
  description = "Name of the function that fetches the orders."
  value       = module.ingestion.function_name
}
