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
    condition     = length(aws_iam_role_policy.fetch_access_network) == 0
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
    condition     = contains(jsondecode(one(aws_iam_role_policy.fetch_access_network[*].policy)).Statement[*].Sid, "UseNetwork")
    error_message = "the function may not manage network interfaces"
  }
}

run "may_still_manage_network_interfaces_once_it_has_left_the_vpc" {
  command = apply

  variables {
    vpc_permissions_only = true
  }

  assert {
    condition     = length(aws_iam_role_policy.fetch_access_network) == 1 && length(aws_lambda_function.fetch_function[0].vpc_config) == 0
    error_message = "Lambda may not delete the network interfaces that are left"
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

run "does_not_poll_the_queue_by_default" {
  command = plan

  assert {
    condition     = one(aws_lambda_event_source_mapping.trigger_mapping[*].enabled) == false
    error_message = "a pipeline without a schedule pays for polling"
  }
}

run "polls_the_queue_if_asked_to" {
  command = plan

  variables {
    queue_enabled = true
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.trigger_mapping[*].enabled)
    error_message = "nobody consumes the queue"
  }
}

run "does_not_poll_for_a_function_that_may_not_run" {
  command = plan

  variables {
    queue_enabled                 = true
    function_reserved_concurrency = 0
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.trigger_mapping[*].enabled) == false
    error_message = "every event would end in the dead letters without an attempt"
  }
}

run "hides_an_event_for_six_times_the_timeout" {
  command = plan

  variables {
    function_timeout_seconds = 900
    function_retry_attempts  = 0
  }

  assert {
    condition     = one(aws_sqs_queue.work_queue[*].visibility_timeout_seconds) == 5400
    error_message = "an event may come again while it is ingested"
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].environment[0].variables.MAX_ATTEMPTS) == "1"
    error_message = "the function tries again"
  }
}

run "uses_no_key_of_a_queue_without_one" {
  command = apply

  assert {
    condition     = !contains(jsondecode(local.function_policy).Statement[*].Sid, "EncryptEvents")
    error_message = "the function is permitted to use a key that there is not"
  }
}

run "uses_the_key_of_the_queue" {
  command = apply

  variables {
    queue_kms_key = "arn:aws:kms:eu-central-1:123456789012:key/work"
  }

  assert {
    condition     = flatten([one([for each in jsondecode(local.function_policy).Statement : each.Resource if each.Sid == "EncryptEvents"])]) == [var.queue_kms_key]
    error_message = "the function may neither read nor send events"
  }
}

run "has_no_url_by_default" {
  command = apply

  assert {
    condition     = output.function_url == ""
    error_message = "the function can be invoked by a URL"
  }
}

run "has_a_url_for_signed_requests_if_asked_to" {
  command = plan

  variables {
    function_url_enabled = true
  }

  assert {
    condition     = one(aws_lambda_function_url.fetch_url[*].authorization_type) == "AWS_IAM"
    error_message = "anybody may invoke the function"
  }
}

run "refuses_a_queue_that_would_be_throttled" {
  command = plan

  variables {
    queue_enabled                 = true
    function_reserved_concurrency = 4
  }

  expect_failures = [var.queue_max_concurrency]
}

run "takes_any_reservation_without_the_queue" {
  command = plan

  variables {
    function_reserved_concurrency = 1
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].reserved_concurrent_executions) == 1
    error_message = "the reservation is another"
  }
}

run "refuses_events_that_outlive_their_dead_letters" {
  command = plan

  variables {
    dead_letters_queue_retention_days = 3
  }

  expect_failures = [var.queue_retention_days]
}

run "refuses_data_among_lists_of_urls" {
  command = plan

  variables {
    delivery_data_prefix = "lists/"
  }

  expect_failures = [var.delivery_data_prefix]
}

run "refuses_errors_among_the_sources" {
  command = plan

  variables {
    delivery_error_prefix = "config/errors/"
  }

  expect_failures = [var.delivery_error_prefix]
}

run "refuses_dead_letters_among_lists_of_urls" {
  command = plan

  variables {
    dead_letters_prefix = "lists/dead/"
  }

  expect_failures = [var.dead_letters_prefix]
}
