# Alarms: none without a receiver, each only if its part exists, with thresholds from the variables.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id = "123456789012"
  region     = "eu-central-1"
}

run "makes_no_alarm_without_a_receiver" {
  command = apply

  variables {
    alarms = { overrides = { throttled = "off" } }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.alarms_metric) + length(aws_cloudwatch_metric_alarm.alarms_math) + length(aws_cloudwatch_composite_alarm.alarms_unhealthy) + length(aws_sns_topic.alarms_topic) == 0
    error_message = "there is an alarm that nobody gets"
  }

  assert {
    condition     = length(output.alarm_arns) == 0 && output.alarm_topic_arn == ""
    error_message = "there is an output of an alarm that nobody gets"
  }
}

run "tells_addresses_by_a_topic_that_cloudwatch_may_use" {
  command = apply

  variables {
    alarms = { emails = ["a@example.com", "b@example.com", "a@example.com"], topic_arns = ["arn:aws:sns:eu-central-1:123456789012:mine"] }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.alarms_metric["dead-letters"].alarm_actions == toset([aws_sns_topic.alarms_topic[0].arn, "arn:aws:sns:eu-central-1:123456789012:mine"])
    error_message = "an alarm tells others"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.alarms_math["delivery-dead"].ok_actions == aws_cloudwatch_metric_alarm.alarms_metric["dead-letters"].alarm_actions
    error_message = "the end of an alarm is told to others"
  }

  assert {
    condition     = keys(aws_sns_topic_subscription.alarms_subscription) == ["a@example.com", "b@example.com"]
    error_message = "an address is missing or told twice"
  }

  assert {
    condition     = jsondecode(aws_sns_topic.alarms_topic[0].policy).Statement[0] == { Sid = "Tell", Effect = "Allow", Principal = { Service = "cloudwatch.amazonaws.com" }, Action = "sns:Publish", Resource = "arn:aws:sns:eu-central-1:123456789012:data-ingestion-dev-alarms", Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } } }
    error_message = "CloudWatch may not publish"
  }

  assert {
    condition     = aws_sns_topic.alarms_topic[0].kms_master_key_id == null
    error_message = "the topic is encrypted with a key that CloudWatch may not use"
  }

  assert {
    condition     = !contains(keys(output.alarm_arns), "overdue") && !contains(keys(output.alarm_arns), "schedules-dropped") && !contains(keys(output.alarm_arns), "delivery-late-gzip")
    error_message = "there is an alarm on a part that does not exist"
  }

  assert {
    condition     = strcontains(aws_cloudwatch_composite_alarm.alarms_unhealthy[0].alarm_rule, "ALARM(\"data-ingestion-dev-async-lost\") OR ALARM(\"")
    error_message = "the whole does not follow from its alarms"
  }
}

run "derives_thresholds_from_the_variables" {
  command = apply

  variables {
    sources                           = [{ name = "posts", url = "https://example.com", schedule = "rate(1 day)" }]
    function_timeout_seconds          = 900
    delivery_buffer_seconds           = 600
    delivery_keep_former              = true
    queue_retention_days              = 2
    dead_letters_queue_retention_days = 3
    alarms = {
      pager_topic_arns = ["arn:aws:sns:eu-central-1:123456789012:pager"]
      overrides        = { throttled = "off", stream-full = 7 }
    }
  }

  assert {
    condition     = { for name, alarm in aws_cloudwatch_metric_alarm.alarms_metric : name => alarm.threshold if alarm.threshold > 0 } == { dead-letters-expire = 43200, work-queue-stands = 16200, delivery-late = 1800, delivery-late-gzip = 1800, delivery-behind = 900000, delivery-behind-gzip = 900000, stream-full = 7, stream-full-gzip = 7 }
    error_message = "a threshold does not follow from the variables"
  }

  assert {
    condition     = !contains(keys(output.alarm_arns), "throttled") && contains(keys(output.alarm_arns), "overdue") && contains(keys(output.alarm_arns), "schedules-dropped")
    error_message = "an alarm that is off exists, or one on schedules does not"
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.alarms_unhealthy[0].alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:pager"]) && length(aws_cloudwatch_metric_alarm.alarms_metric["overdue"].alarm_actions) == 0
    error_message = "the pager gets other alarms than the one over all"
  }
}

run "watches_the_parts_that_exist" {
  command = apply

  variables {
    alarms                       = { topic_arns = ["arn:aws:sns:eu-central-1:123456789012:mine"] }
    existing_stream              = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/theirs", name = "theirs" }
    existing_failure_destination = { arn = "arn:aws:sqs:eu-central-1:123456789012:their-letters" }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.alarms_metric["stream-full"].dimensions == tomap({ StreamName = "theirs" }) && aws_cloudwatch_metric_alarm.alarms_metric["dead-letters"].dimensions == tomap({ QueueName = "their-letters" })
    error_message = "an alarm is on another part"
  }
}

run "names_what_it_makes_without_waiting_for_it" {
  command = plan

  variables {
    alarms = { topic_arns = ["arn:aws:sns:eu-central-1:123456789012:mine"] }
  }

  assert {
    condition     = merge([for alarm in aws_cloudwatch_metric_alarm.alarms_metric : alarm.dimensions]...) == tomap({ QueueName = "data-ingestion-dev-work", FunctionName = "data-ingestion-dev-fetch", service = "data-ingestion-dev-fetch", StreamName = "data-ingestion-dev-stream", DeliveryStreamName = "data-ingestion-dev-delivery" })
    error_message = "an alarm is on another part"
  }
}

run "draws_what_exists_without_a_receiver" {
  command = apply

  variables {
    alarms               = { dashboard = true, overrides = { delivery-late = 5 } }
    delivery_keep_former = true
    sources              = [{ name = "posts", url = "https://example.com", schedule = "rate(1 day)" }]
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.dashboard[0].dashboard_body).widgets : length(widget.properties.metrics)] == [1, 1, 4, 4, 12, 1, 3, 2]
    error_message = "a metric is missing, or one is there whose part does not exist"
  }

  assert {
    condition     = contains(flatten([for widget in jsondecode(aws_cloudwatch_dashboard.dashboard[0].dashboard_body).widgets : try(widget.properties.annotations.horizontal, [])]), { label = "delivery-late", value = 5 })
    error_message = "a threshold is not drawn"
  }

  assert {
    condition     = length(output.alarm_arns) == 0
    error_message = "there is an alarm that nobody gets"
  }
}

run "refuses_a_key_of_no_topic" {
  command = plan

  variables {
    alarms = { topic_arns = ["arn:aws:sns:eu-central-1:123456789012:mine"], kms_key = "arn:aws:kms:eu-central-1:123456789012:key/topic" }
  }

  expect_failures = [
    var.alarms,
  ]
}

run "has_no_alarm_that_is_off" {
  command = apply

  variables {
    alarms                       = { topic_arns = ["arn:aws:sns:eu-central-1:123456789012:mine"], overrides = { dead-letters = "off" } }
    existing_failure_destination = { arn = "arn:aws:sns:eu-central-1:123456789012:failures" }
  }

  assert {
    condition     = !contains(keys(output.alarm_arns), "dead-letters")
    error_message = "there is an alarm that is off"
  }
}

run "refuses_what_no_alarm_has" {
  command = plan

  variables {
    alarms = { emails = ["nobody"], topic_arns = ["arn:aws:sns:eu-central-1:123456789012:mine.fifo"], kms_key = "alias/aws/sns", overrides = { dead-leters = "off", throttled = "never" } }
  }

  expect_failures = [
    var.alarms,
  ]
}

run "watches_sources_with_a_schedule_that_is_on" {
  command = apply

  variables {
    alarms  = { topic_arns = ["arn:aws:sns:eu-central-1:123456789012:mine"] }
    sources = [{ name = "posts", url = "https://example.com", schedule = "rate(1 day)" }, { name = "off", url = "https://example.com", schedule = "rate(1 day)", enabled = false }]
  }

  assert {
    condition     = aws_s3_object.schedules_watched[0].content == jsonencode({ posts = "rate(1 day)" })
    error_message = "the function looks at other schedules than those that are on"
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.schedules_watch[0].target[0].input) == { watch = "s3://data-ingestion-dev-lake-123456789012-eu-central-1/${aws_s3_object.schedules_watched[0].key}" }
    error_message = "the event names another object"
  }

  assert {
    condition     = contains(flatten([for each in jsondecode(aws_iam_role_policy.fetch_access_policy[0].policy).Statement : each.Action]), "cloudwatch:GetMetricData")
    error_message = "the function may not read metrics"
  }
}

run "watches_nothing_where_nobody_is_told" {
  command = apply

  variables {
    sources = [{ name = "posts", url = "https://example.com", schedule = "rate(1 day)" }]
  }

  assert {
    condition     = length(aws_s3_object.schedules_watched) + length(aws_scheduler_schedule.schedules_watch) == 0
    error_message = "there is an event that nobody asked for"
  }

  assert {
    condition     = !contains(flatten([for each in jsondecode(aws_iam_role_policy.fetch_access_policy[0].policy).Statement : each.Action]), "cloudwatch:GetMetricData")
    error_message = "the function may read metrics"
  }
}
