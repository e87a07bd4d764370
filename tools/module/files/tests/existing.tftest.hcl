# Parts that exist are used, and nothing is made in their place.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id = "123456789012"
  region     = "eu-central-1"

  existing_stream              = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine", name = "mine" }
  existing_bucket              = { arn = "arn:aws:s3:::mine", name = "mine" }
  existing_function_role       = { arn = "arn:aws:iam::123456789012:role/fetch" }
  existing_delivery_role       = { arn = "arn:aws:iam::123456789012:role/delivery" }
  existing_function_log_group  = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:fetch", name = "fetch" }
  existing_delivery_log_group  = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:delivery", name = "delivery" }
  existing_failure_destination = { arn = "arn:aws:sns:eu-central-1:123456789012:failures" }
}

run "makes_no_part_that_exists" {
  command = plan

  assert {
    condition = length(concat(
      aws_kinesis_stream.stream,
      aws_kinesis_stream.stream_gzip,
      aws_s3_bucket.lake_bucket,
      aws_s3_bucket_policy.lake_policy,
      aws_s3_bucket_versioning.lake_versioning,
      aws_s3_bucket_lifecycle_configuration.lake_lifecycle,
      aws_iam_role.fetch_access_role,
      aws_iam_role.delivery_access_role,
      aws_iam_role_policy.fetch_access_policy,
      aws_iam_role_policy.delivery_access_policy,
      aws_cloudwatch_log_group.fetch_log_group,
      aws_cloudwatch_log_group.delivery_log_group,
      aws_sqs_queue.dead_letters_queue,
    )) == 0
    error_message = "something is made in place of a part that exists"
  }
}

run "uses_the_parts_that_exist" {
  command = plan

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].environment[0].variables.KINESIS_STREAM_NAME) == "mine"
    error_message = "the function writes another stream"
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].environment[0].variables.DEAD_LETTER_BUCKET) == "mine"
    error_message = "dead letters go to another bucket"
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].role) == var.existing_function_role.arn
    error_message = "the function has another role"
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].logging_config[0].log_group) == "fetch"
    error_message = "the function logs elsewhere"
  }

  assert {
    condition     = one(aws_lambda_function_event_invoke_config.fetch_failures[*].destination_config[0].on_failure[0].destination) == var.existing_failure_destination.arn
    error_message = "events that failed go elsewhere"
  }

  assert {
    condition     = one(aws_kinesis_firehose_delivery_stream.delivery_stream[*].extended_s3_configuration[0].bucket_arn) == "arn:aws:s3:::mine"
    error_message = "Firehose writes to another bucket"
  }

  assert {
    condition     = one(aws_cloudwatch_log_stream.delivery_log_stream[*].log_group_name) == "delivery"
    error_message = "Firehose logs elsewhere"
  }

  assert {
    condition     = one(aws_cloudwatch_log_stream.delivery_log_stream[*].name) == "data-ingestion-dev-delivery"
    error_message = "Firehose logs to a stream that another pipeline may have"
  }

  assert {
    condition     = local.failure_action == "sns:Publish"
    error_message = "the function may not publish on the topic"
  }

  assert {
    condition     = output.bucket_name == "mine" && output.dead_letter_queue_url == null
    error_message = "the outputs do not say what is used"
  }
}

run "uses_the_key_of_the_stream" {
  command = apply

  variables {
    existing_stream = {
      arn     = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine"
      name    = "mine"
      kms_key = "arn:aws:kms:eu-central-1:123456789012:key/mine"
    }
  }

  assert {
    condition     = contains(jsondecode(local.function_policy).Statement[*].Sid, "EncryptRecords")
    error_message = "the function may not encrypt what it puts on the stream"
  }

  assert {
    condition     = contains(jsondecode(local.delivery_policy).Statement[*].Sid, "DecryptRecords")
    error_message = "Firehose may not decrypt what it reads"
  }
}

run "uses_the_key_of_the_bucket" {
  command = apply

  variables {
    existing_bucket = {
      arn     = "arn:aws:s3:::mine"
      name    = "mine"
      kms_key = "arn:aws:kms:eu-central-1:123456789012:key/mine"
    }
  }

  assert {
    condition     = contains(jsondecode(local.function_policy).Statement[*].Sid, "EncryptObjects")
    error_message = "the function may not encrypt dead letters"
  }

  assert {
    condition     = contains(jsondecode(local.delivery_policy).Statement[*].Sid, "DecryptObjects")
    error_message = "Firehose may not write objects in parts"
  }
}

run "refuses_a_destination_that_takes_no_events" {
  command = plan

  variables {
    existing_failure_destination = { arn = "arn:aws:s3:::mine" }
  }

  expect_failures = [var.existing_failure_destination]
}

run "refuses_a_queue_that_keeps_an_order" {
  command = plan

  variables {
    existing_failure_destination = { arn = "arn:aws:sqs:eu-central-1:123456789012:mine.fifo" }
  }

  expect_failures = [var.existing_failure_destination]
}

run "refuses_names_and_arns_of_two" {
  command = plan

  variables {
    existing_stream             = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/other", name = "mine" }
    existing_bucket             = { arn = "arn:aws:s3:::other", name = "mine" }
    existing_function_log_group = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:other", name = "mine" }
    existing_delivery_log_group = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:other", name = "mine" }
  }

  expect_failures = [
    var.existing_stream,
    var.existing_bucket,
    var.existing_function_log_group,
    var.existing_delivery_log_group,
  ]
}

run "refuses_arns_of_another_service_or_form" {
  command = plan

  variables {
    existing_stream              = { arn = "arn:aws:s3:::mine", name = "mine" }
    existing_bucket              = { arn = "mine", name = "mine" }
    existing_function_role       = { arn = "arn:aws:iam::123456789012:user/fetch" }
    existing_delivery_role       = { arn = "fetch" }
    existing_function_log_group  = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mine:*", name = "mine" }
    existing_delivery_log_group  = { arn = "arn:aws:logs:eu-central-1:123456789012:mine", name = "mine" }
    existing_failure_destination = { arn = "arn:aws:sqs:mine" }
  }

  expect_failures = [
    var.existing_stream,
    var.existing_bucket,
    var.existing_function_role,
    var.existing_delivery_role,
    var.existing_function_log_group,
    var.existing_delivery_log_group,
    var.existing_failure_destination,
  ]
}

run "refuses_keys_without_an_arn" {
  command = plan

  variables {
    existing_stream              = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine", name = "mine", kms_key = "mine" }
    existing_bucket              = { arn = "arn:aws:s3:::mine", name = "mine", kms_key = "alias/mine" }
    existing_failure_destination = { arn = "arn:aws:sns:eu-central-1:123456789012:failures", kms_key = "mine" }
  }

  expect_failures = [var.existing_stream, var.existing_bucket, var.existing_failure_destination]
}

run "refuses_a_stream_and_a_log_group_elsewhere" {
  command = plan

  variables {
    existing_stream             = { arn = "arn:aws:kinesis:us-east-1:123456789012:stream/mine", name = "mine" }
    existing_function_log_group = { arn = "arn:aws:logs:eu-central-1:210987654321:log-group:fetch", name = "fetch" }
  }

  expect_failures = [var.existing_stream, var.existing_function_log_group]
}

run "may_use_the_keys_of_the_destination_and_of_secrets" {
  command = plan

  variables {
    existing_failure_destination = {
      arn     = "arn:aws:sqs:eu-central-1:123456789012:failures"
      kms_key = "arn:aws:kms:eu-central-1:123456789012:key/failures"
    }
    sources = [{
      url = "https://a.example"
      auth = {
        kind       = "bearer"
        secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a"
        kms_key    = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
      }
    }]
  }

  assert {
    condition     = flatten([one([for each in jsondecode(local.function_policy).Statement : each.Resource if each.Sid == "EncryptFailures"])]) == ["arn:aws:kms:eu-central-1:123456789012:key/failures"]
    error_message = "the function may not encrypt what it sends to the destination"
  }

  assert {
    condition     = flatten([one([for each in jsondecode(local.function_policy).Statement : each.Resource if each.Sid == "DecryptSecrets"])]) == ["arn:aws:kms:eu-central-1:123456789012:key/secrets"]
    error_message = "the function may not decrypt its secrets"
  }
}

run "moves_dead_letters_to_a_queue_beside_it_only" {
  command = plan

  assert {
    condition     = !local.failure_destination_takes_messages
    error_message = "SQS would have to move messages to a topic"
  }
}

run "moves_dead_letters_to_the_queue_that_exists" {
  command = plan

  variables {
    queue_enabled = true
    existing_failure_destination = {
      arn = "arn:aws:sqs:eu-central-1:123456789012:failures"
      url = "https://sqs.eu-central-1.amazonaws.com/123456789012/failures"
    }
  }

  assert {
    condition     = jsondecode(one(aws_sqs_queue.work_queue[*].redrive_policy)).deadLetterTargetArn == var.existing_failure_destination.arn
    error_message = "dead letters of the queue go elsewhere"
  }

  assert {
    condition     = one(aws_lambda_function.fetch_function[*].environment[0].variables.DEAD_LETTER_QUEUE_URL) == var.existing_failure_destination.url
    error_message = "the function sends dead letters elsewhere"
  }
}

run "refuses_a_topic_for_the_dead_letters_of_a_queue" {
  command = plan

  variables {
    queue_enabled                = true
    existing_failure_destination = { arn = "arn:aws:sns:eu-central-1:123456789012:failures", url = "https://a.example" }
  }

  expect_failures = [var.existing_failure_destination]
}

run "refuses_a_queue_elsewhere_for_the_dead_letters_of_a_queue" {
  command = plan

  variables {
    queue_enabled                = true
    existing_failure_destination = { arn = "arn:aws:sqs:eu-west-1:123456789012:failures", url = "https://a.example" }
  }

  expect_failures = [var.existing_failure_destination]
}

run "refuses_dead_letters_without_a_url" {
  command = plan

  variables {
    queue_enabled                = true
    existing_failure_destination = { arn = "arn:aws:sqs:eu-central-1:123456789012:failures" }
  }

  expect_failures = [var.existing_failure_destination]
}

run "refuses_settings_of_what_exists" {
  command = plan

  variables {
    lake_expire_days                  = 30
    force_destroy                     = true
    dead_letters_queue_retention_days = 7
    function_log_retention_days       = 7
  }

  expect_failures = [
    var.lake_expire_days,
    var.force_destroy,
    var.dead_letters_queue_retention_days,
    var.function_log_retention_days,
  ]
}
