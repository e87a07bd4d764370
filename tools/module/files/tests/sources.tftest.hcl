# What is refused of the sources before anything is planned, and what is known only at apply.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id = "123456789012"
  region     = "eu-central-1"
}

run "takes_nulls_as_absent" {
  command = plan

  variables {
    sources = [
      { name = "a", url = "https://a.example", format = null, auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCd12", kms_key = null }, limits = { max_records = null } },
      { name = null, url = "https://b.example", format = "csv", auth = { kind = "none", secret_arn = null, kms_key = null }, limits = null },
      { name = null, url = "https://c.example", format = null, auth = null, limits = null },
      null,
    ]
  }

  assert {
    condition     = local.secret_groups == { "0" = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCd12"] } && length(local.secret_keys) == 0
    error_message = "the secrets are not those of the sources"
  }
}

run "takes_sensitive_values" {
  command = plan

  variables {
    sources = [{ name = sensitive("a"), url = sensitive("https://a.example"), schedule = sensitive("rate(1 day)") }]
  }

  assert {
    condition     = keys(aws_scheduler_schedule.schedules_schedule) == ["a"] && issensitive(aws_s3_object.fetch_sources_object[0].content)
    error_message = "the source has no schedule, or its keys are shown"
  }
}

run "takes_what_is_known_only_at_apply" {
  command = plan

  module {
    source = "./tests/unknown"
  }

  assert {
    condition     = output.function_name == "data-ingestion-dev-fetch"
    error_message = "there is no function to plan"
  }
}

run "refuses_two_sources_of_one_name" {
  command = plan

  variables {
    sources = [{ name = "a", url = "https://a.example" }, { name = "a", url = "https://b.example" }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_a_misspelt_key" {
  command = plan

  variables {
    sources = [{ url = "https://a.example", pagintion = { kind = "page" } }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_half_a_url" {
  command = plan

  variables {
    sources = [{ url = "https://" }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_a_secret_without_an_arn" {
  command = plan

  variables {
    sources = [{ url = "https://a.example", auth = { kind = "bearer", secret_arn = "not an arn" } }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_a_header_that_is_a_number" {
  command = plan

  variables {
    sources = [{ url = "https://a.example", headers = { X-Tenant = 7 } }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "makes_no_schedule_that_no_source_has" {
  command = plan

  variables {
    sources = [{ name = "a", url = "https://a.example" }, { url = "https://b.example", schedule = null }]
  }

  assert {
    condition     = length(aws_scheduler_schedule.schedules_schedule) + length(aws_scheduler_schedule_group.schedules_group) + length(aws_iam_role.schedules_role) == 0
    error_message = "there is a schedule, a group or a role that nobody asked for"
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.trigger_mapping[*].enabled) == false && one(aws_lambda_function.fetch_function[*]).environment[0].variables["WORK_QUEUE_IS_READ"] == "false"
    error_message = "a pipeline without a schedule pays for polling"
  }
}

run "makes_the_schedules_of_the_sources_by_their_names" {
  command = apply

  variables {
    sources = [
      { name = "a", url = "https://a.example", schedule = "rate(1 hour)" },
      { name = "b", url = "https://b.example", schedule = "cron(0 8 ? * MON-FRI *)", time_zone = "Europe/Berlin", flexible_minutes = 5, enabled = false },
      { url = "https://c.example" },
    ]
  }

  assert {
    condition = { for name, each in aws_scheduler_schedule.schedules_schedule : name => [each.schedule_expression, each.schedule_expression_timezone, each.state, each.flexible_time_window[0].mode] } == {
      a = ["rate(1 hour)", "UTC", "ENABLED", "OFF"]
      b = ["cron(0 8 ? * MON-FRI *)", "Europe/Berlin", "DISABLED", "FLEXIBLE"]
    }
    error_message = "the schedules are not those of the sources"
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.trigger_mapping[*].enabled) && one(aws_lambda_function.fetch_function[*]).environment[0].variables["WORK_QUEUE_IS_READ"] == "true"
    error_message = "nothing reads the queue that the schedules send to"
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.schedules_schedule["a"].target[0].input) == { source = "a" }
    error_message = "the event does not ask for the source"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.trigger_mapping[0].enabled
    error_message = "nothing takes the events from the queue"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.schedules_policy[0].policy).Statement[*].Sid == ["SendEvents", "SendFailures"]
    error_message = "the role of the schedules may do more than send"
  }
}

run "lets_the_schedules_use_the_keys_of_the_queues" {
  command = apply

  variables {
    sources              = [{ name = "a", url = "https://a.example", schedule = "rate(1 hour)" }]
    queue_kms_key        = "arn:aws:kms:eu-central-1:123456789012:key/work"
    dead_letters_kms_key = "arn:aws:kms:eu-central-1:123456789012:key/dead"
  }

  assert {
    condition     = [for each in jsondecode(aws_iam_role_policy.schedules_policy[0].policy).Statement : each.Resource if startswith(each.Sid, "Encrypt")] == [var.queue_kms_key, var.dead_letters_kms_key]
    error_message = "the role of the schedules may not encrypt what it sends"
  }
}

run "runs_no_schedule_while_the_function_may_not_run" {
  command = plan

  variables {
    sources                       = [{ name = "a", url = "https://a.example", schedule = "rate(1 hour)" }]
    function_reserved_concurrency = 0
  }

  assert {
    condition     = aws_scheduler_schedule.schedules_schedule["a"].state == "DISABLED"
    error_message = "events would pile up in the queue"
  }
}

run "refuses_a_schedule_without_a_name" {
  command = plan

  variables {
    sources = [{ url = "https://a.example", schedule = "rate(1 hour)" }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_two_schedules_of_one_name" {
  command = plan

  variables {
    sources = [{ name = "a", url = "https://a.example", schedule = "rate(1 hour)" }, { name = "a", url = "https://b.example", schedule = "rate(1 day)" }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_a_schedule_on_two_days" {
  command = plan

  variables {
    sources = [{ name = "a", url = "https://a.example", schedule = "cron(0 8 * * * *)" }]
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_a_map_of_sources" {
  command = plan

  variables {
    sources = { a = { url = "https://a.example" } }
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_a_word" {
  command = plan

  variables {
    sources = "https://a.example"
  }

  expect_failures = [aws_s3_object.fetch_sources_object]
}

run "refuses_more_arns_than_the_policies_take" {
  command = plan

  variables {
    sources = [for number in range(10) : {
      url  = "https://a.example"
      auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:${join("", [for _ in range(60) : "0123456789"])}${number}" }
    }]
  }

  expect_failures = [var.sources]
}
