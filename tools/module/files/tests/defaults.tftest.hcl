# What the module makes of an account and a Region, without either: AWS's answers are mocked.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id = "123456789012"
  region     = "eu-central-1"
}

run "makes_a_pipeline" {
  command = plan

  assert {
    condition     = one(aws_kinesis_stream.stream[*].encryption_type) == "KMS"
    error_message = "the stream is not encrypted"
  }

  assert {
    condition     = one(aws_s3_bucket.lake_bucket[*].force_destroy) == false
    error_message = "terraform destroy would delete the records"
  }

  assert {
    condition     = one(aws_s3_bucket_public_access_block.lake_public_access[*].restrict_public_buckets)
    error_message = "the bucket is open to the public"
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].source_code_hash) == filebase64sha256("./lambda.zip")
    error_message = "the function is not the zip beside the module"
  }

  assert {
    condition     = one(aws_s3_object.fetch_sources_object[*].content) == "[]"
    error_message = "the function has sources that nobody gave"
  }
}

run "tags_everything_that_can_carry_tags" {
  command = plan

  variables {
    environment = "prod"
    tags        = { Team = "data" }
  }

  assert {
    condition = alltrue([
      for tags in [
        one(aws_kinesis_stream.stream[*].tags),
        one(aws_s3_bucket.lake_bucket[*].tags),
        one(aws_sqs_queue.dead_letters_queue[*].tags),
        one(aws_sqs_queue.work_queue[*].tags),
        one(aws_lambda_event_source_mapping.trigger_mapping[*].tags),
        one(aws_lambda_function.fetch_function[*].tags),
        one(aws_iam_role.fetch_access_role[*].tags),
        one(aws_iam_role.delivery_access_role[*].tags),
        one(aws_cloudwatch_log_group.fetch_log_group[*].tags),
        one(aws_cloudwatch_log_group.delivery_log_group[*].tags),
        one(aws_kinesis_firehose_delivery_stream.delivery_stream[*].tags),
      ] : tags == tomap({ Environment = "Production", Team = "data" })
    ])
    error_message = "a resource is not tagged"
  }
}

run "keeps_no_rules_that_are_switched_off" {
  command = plan

  variables {
    lake_noncurrent_version_days = 0
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.lake_lifecycle) == 0
    error_message = "there is a lifecycle without rules"
  }
}

run "makes_only_the_rules_that_are_switched_on" {
  command = plan

  variables {
    lake_expire_days             = 365
    lake_noncurrent_version_days = 0
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.lake_lifecycle[0].rule[*].id == tolist(["remove-unfinished-uploads", "expire-records"])
    error_message = "the rules are not those that are switched on"
  }
}

run "refuses_a_runtime_that_the_zip_is_not_for" {
  command = plan

  variables {
    function_runtime = "python3.12"
  }

  expect_failures = [var.function_runtime]
}

run "takes_another_runtime_with_a_zip_for_it" {
  command = plan

  variables {
    function_runtime = "python3.12"
    package_path     = "./lambda.zip"
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].runtime) == "python3.12"
    error_message = "the runtime is not the one given"
  }
}

run "reads_the_secrets_of_its_sources" {
  command = plan

  variables {
    sources = [
      { name = "a", url = "https://a.example", auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a" } },
      { name = "b", url = "https://b.example" },
      { url = "https://c.example", auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a" } },
    ]
  }

  assert {
    condition     = local.secret_arns == tolist(["arn:aws:secretsmanager:eu-central-1:123456789012:secret:a"])
    error_message = "the secrets are not those of the sources, each once"
  }

  assert {
    condition     = jsondecode(aws_iam_policy.fetch_secrets_policy["0"].policy).Statement[0].Resource == ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-??????"]
    error_message = "the function may not read its secrets, or more than these"
  }
}

run "permits_secrets_with_and_without_their_suffix" {
  command = plan

  variables {
    sources = [for name in ["a-AbCd12", "b", "my-secret"] : {
      url  = "https://a.example"
      auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}" }
    }]
  }

  assert {
    condition = [for arn in local.secret_resources : trimprefix(arn, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:")] == [
      "a-AbCd12", "my-secret", "b-??????", "my-secret-??????",
    ]
    error_message = "an ARN without its suffix matches no secret, or one with it matches more"
  }
}

run "permits_what_authentication_declares" {
  command = plan

  variables {
    sources = [
      { url = "https://a.example", auth = { kind = "aws_sigv4", service = "es", resource_arn = "arn:aws:es:eu-central-1:123456789012:domain/logs/*" } },
      { url = "https://a.example", method = "POST", body = {}, auth = { kind = "aws_sigv4", service = "es", resource_arn = "arn:aws:es:eu-central-1:123456789012:domain/orders/*" } },
      { url = "https://b.example", auth = { kind = "aws_sigv4", service = "execute-api", resource_arn = "arn:aws:execute-api:eu-central-1:123456789012:a/prod/GET/x" } },
      { url = "https://b.example", auth = { kind = "aws_sigv4", service = "execute-api", resource_arn = "arn:aws:execute-api:eu-central-1:123456789012:a/prod/GET/x" } },
      { url = "https://c.example", auth = { kind = "aws_sigv4", service = "lambda" } },
      { url = "https://d.example", auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCd12" } },
      { url = "https://e.example", auth = { kind = "oauth2_refresh_token", token_url = "https://e.example/t", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:b" } },
      { url = "https://f.example" },
    ]
  }

  assert {
    condition = { for action, arns in local.permitted : action => join(" ", arns) if length(arns) > 0 } == {
      EsESHttpGet                  = "arn:aws:es:eu-central-1:123456789012:domain/logs/*"
      EsESHttpPost                 = "arn:aws:es:eu-central-1:123456789012:domain/orders/*"
      ExecuteApiInvoke             = "arn:aws:execute-api:eu-central-1:123456789012:a/prod/GET/x"
      SecretsmanagerPutSecretValue = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:b-??????"
    }
    error_message = "the function may do more or less than its sources' authentication needs"
  }
}

run "groups_three_hundred_secrets_into_policies" {
  command = plan

  variables {
    sources = [for number in range(300) : {
      url  = "https://a.example"
      auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/${number}-AbCd12" }
    }]
  }

  assert {
    condition     = length(local.secret_groups) <= 10 && alltrue([for arns in local.secret_groups : length(jsonencode(arns)) < 5900])
    error_message = "the secrets do not fit into the policies that a role may have"
  }
}

run "refuses_another_account" {
  command = plan

  variables {
    account_id = "210987654321"
  }

  expect_failures = [var.account_id]
}

run "refuses_another_region" {
  command = plan

  variables {
    region = "eu-west-1"
  }

  expect_failures = [var.region]
}

run "follows_the_region_into_its_partition" {
  command = plan

  variables {
    region = "us-gov-west-1"
  }

  override_data {
    target = data.aws_region.current
    values = { id = "us-gov-west-1" }
  }

  assert {
    condition     = jsondecode(one(aws_sqs_queue.dead_letters_queue[*].policy)).Statement[0].Resource == "arn:aws-us-gov:sqs:us-gov-west-1:123456789012:data-ingestion-dev-dead-letters"
    error_message = "the queue's policy is for another partition"
  }
}

run "refuses_tags_that_aws_refuses" {
  command = plan

  variables {
    tags = { "aws:mine" = "no" }
  }

  expect_failures = [var.tags]
}

run "refuses_a_tag_with_other_characters" {
  command = plan

  variables {
    tags = { Team = "data, mostly" }
  }

  expect_failures = [var.tags]
}

run "refuses_more_tags_than_a_resource_takes" {
  command = plan

  variables {
    tags = { for number in range(50) : "tag-${number}" => "" }
  }

  expect_failures = [var.tags]
}

run "takes_as_many_tags_as_a_resource_does" {
  command = plan

  variables {
    tags = { for number in range(49) : "Größe ${number}" => "_.:/=+-@" }
  }

  assert {
    condition     = length(one(aws_kinesis_stream.stream[*].tags)) == 50
    error_message = "the stream has not all of the tags"
  }
}

run "refuses_a_folder_in_another" {
  command = plan

  variables {
    delivery_error_prefix = "failed/"
    dead_letters_prefix   = "failed/dead/"
  }

  expect_failures = [var.dead_letters_prefix]
}
