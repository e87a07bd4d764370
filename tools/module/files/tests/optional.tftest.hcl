# What is there only if a variable asks for it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id = "123456789012"
  region     = "eu-central-1"
}

run "runs_in_no_vpc_by_default" {
  command = apply

  assert {
    condition     = length(aws_lambda_function.fetch_function[0].vpc_config) == 0
    error_message = "the function is in a VPC"
  }

  assert {
    condition     = !contains(jsondecode(local.function_policy).Statement[*].Sid, "UseNetwork")
    error_message = "the function may manage network interfaces"
  }
}

run "runs_in_the_vpc_that_it_is_given" {
  command = apply

  variables {
    vpc_subnet_ids         = ["subnet-0123456789abcdef0"]
    vpc_security_group_ids = ["sg-0123456789abcdef0"]
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[0].vpc_config).subnet_ids == toset(var.vpc_subnet_ids)
    error_message = "the function is in other subnets"
  }

  assert {
    condition     = contains(jsondecode(local.function_policy).Statement[*].Sid, "UseNetwork")
    error_message = "the function may not manage network interfaces"
  }
}

run "lets_both_roles_use_the_other_keys" {
  command = apply

  variables {
    stream_other_kms_keys = ["arn:aws:kms:eu-central-1:123456789012:key/next"]
  }

  assert {
    condition     = tolist(one([for each in jsondecode(local.function_policy).Statement : each.Resource if each.Sid == "EncryptWithOtherKeys"])) == var.stream_other_kms_keys
    error_message = "the function may not encrypt with the next key"
  }

  assert {
    condition     = tolist(one([for each in jsondecode(local.delivery_policy).Statement : each.Resource if each.Sid == "DecryptWithOtherKeys"])) == var.stream_other_kms_keys
    error_message = "Firehose may not decrypt with the former key"
  }
}

run "lets_both_roles_use_the_other_keys_of_a_stream_that_exists" {
  command = apply

  variables {
    existing_stream       = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine", name = "mine" }
    stream_other_kms_keys = ["arn:aws:kms:eu-central-1:123456789012:key/next"]
  }

  assert {
    condition     = contains(jsondecode(local.function_policy).Statement[*].Sid, "EncryptWithOtherKeys")
    error_message = "the function may not encrypt with the next key"
  }
}

run "expires_records_and_nothing_else" {
  command = plan

  variables {
    lake_expire_days     = 30
    delivery_data_prefix = "raw/"
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.lake_lifecycle[0].rule : rule.filter[0].prefix if length(rule.expiration) > 0]) == "raw/year="
    error_message = "records do not expire, or more than records does"
  }
}

run "takes_the_tag_environment" {
  command = plan

  variables {
    tags = { Environment = "Staging", Team = "data" }
  }

  assert {
    condition     = local.tags.Environment == "Staging"
    error_message = "the tag is not the caller's"
  }
}

run "refuses_tags_that_differ_only_by_case" {
  command = plan

  variables {
    tags = { Team = "data", team = "data" }
  }

  expect_failures = [var.tags]
}

run "refuses_a_tag_that_differs_only_by_case_from_environment" {
  command = plan

  variables {
    tags = { environment = "Staging" }
  }

  expect_failures = [var.tags]
}
