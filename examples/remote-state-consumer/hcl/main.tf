terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

variable "state_bucket" {
  description = "Bucket of the pipeline's state."
  type        = string
}

variable "state_key" {
  description = "Key of the pipeline's state."
  type        = string
}

variable "region" {
  description = "Region of the bucket, and of what is made here."
  type        = string
  default     = "us-east-1"
}

provider "aws" {
  region = var.region
}

data "terraform_remote_state" "ingestion" {
  backend = "s3"

  config = {
    bucket = var.state_bucket
    key    = var.state_key
    region = var.region
  }
}

locals {
  ingestion = data.terraform_remote_state.ingestion.outputs
}

resource "aws_ssm_parameter" "lake" {
  name        = "/hcl-consumer/lake"
  description = "Bucket of the records."
  type        = "String"
  value       = local.ingestion.bucket_name
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadRecords"
    actions   = ["s3:GetObject"]
    resources = ["${local.ingestion.bucket_arn}/data/year=*"]
  }
}

resource "aws_iam_policy" "read" {
  name        = "hcl-consumer-reads-records"
  description = "Read the records."
  policy      = data.aws_iam_policy_document.read.json
}
