# For sources that allow-list addresses: the function runs in private subnets and reaches the internet through one
# NAT gateway, so that every request comes from one fixed address.

terraform {
  required_version = ">= 1.10.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

locals {
  region = "eu-central-1"
}

provider "aws" {
  region = local.region
}

data "aws_caller_identity" "current" {}

data "aws_availability_zones" "available" {
  state = "available"
}

resource "aws_vpc" "ingestion" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

# The NAT gateway's side: a public subnet with a way to the internet.

resource "aws_internet_gateway" "internet" {
  vpc_id = aws_vpc.ingestion.id
}

resource "aws_subnet" "public" {
  vpc_id            = aws_vpc.ingestion.id
  cidr_block        = "10.20.0.0/24"
  availability_zone = data.aws_availability_zones.available.names[0]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.ingestion.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.internet.id
  }
}

resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.public.id
  route_table_id = aws_route_table.public.id
}

resource "aws_eip" "egress" {
  domain = "vpc"
}

resource "aws_nat_gateway" "egress" {
  allocation_id = aws_eip.egress.id
  subnet_id     = aws_subnet.public.id

  depends_on = [aws_internet_gateway.internet]
}

# The function's side: two private subnets, in two zones, that leave through the NAT gateway.

resource "aws_subnet" "private" {
  count = 2

  vpc_id            = aws_vpc.ingestion.id
  cidr_block        = "10.20.${count.index + 1}.0/24"
  availability_zone = data.aws_availability_zones.available.names[count.index]
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.ingestion.id

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.egress.id
  }
}

resource "aws_route_table_association" "private" {
  count = 2

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

# S3 is reached past the NAT gateway, which bills by the gigabyte. A gateway endpoint is free.
resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.ingestion.id
  service_name    = "com.amazonaws.${local.region}.s3"
  route_table_ids = [aws_route_table.private.id]
}

resource "aws_security_group" "function" {
  name        = "ingestion-function"
  description = "The function asks over HTTPS and answers nobody."
  vpc_id      = aws_vpc.ingestion.id
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.function.id
  description       = "Sources and AWS services."
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

module "ingestion" {
  source = "../.."

  name                   = "partners"
  account_id             = data.aws_caller_identity.current.account_id
  region                 = local.region
  sources                = [{ name = "partners", url = "https://api.example.com/partners" }]
  vpc_subnet_ids         = aws_subnet.private[*].id
  vpc_security_group_ids = [aws_security_group.function.id]
}

output "egress_address" {
  description = "What the sources allow-list."
  value       = aws_eip.egress.public_ip
}

output "function_name" {
  description = "Function to invoke."
  value       = module.ingestion.function_name
}
