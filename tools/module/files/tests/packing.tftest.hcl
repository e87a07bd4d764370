# Lines and gzip members never share a stream or a delivery stream.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id = "123456789012"
  region     = "eu-central-1"
}

run "delivers_lines_by_default" {
  command = apply

  assert {
    condition     = length(aws_kinesis_stream.stream_gzip) + length(aws_kinesis_firehose_delivery_stream.delivery_stream_gzip) == 0
    error_message = "there is a stream that nobody asked for"
  }

  assert {
    condition     = !contains(concat(jsondecode(local.function_policy).Statement, jsondecode(local.delivery_policy).Statement)[*].Sid, "ReadStreamGzip")
    error_message = "a role may use a stream that is not there"
  }
}

run "delivers_gzip_members_as_they_come" {
  command = apply

  variables {
    fetch_packing = "gzip"
  }

  assert {
    condition     = length(aws_kinesis_stream.stream) + length(aws_kinesis_firehose_delivery_stream.delivery_stream) == 0
    error_message = "there is a stream for lines"
  }

  assert {
    condition     = one(aws_kinesis_firehose_delivery_stream.delivery_stream_gzip[0].extended_s3_configuration).compression_format == "UNCOMPRESSED" && one(aws_kinesis_firehose_delivery_stream.delivery_stream_gzip[0].extended_s3_configuration).file_extension == ".gz"
    error_message = "Firehose compresses what is compressed, or gives the objects another name"
  }

  assert {
    condition     = one(aws_kinesis_firehose_delivery_stream.delivery_stream_gzip[0].kinesis_source_configuration).kinesis_stream_arn == aws_kinesis_stream.stream_gzip[0].arn
    error_message = "Firehose reads another stream"
  }

  assert {
    condition     = aws_lambda_function.fetch_function[0].environment[0].variables.KINESIS_STREAM_NAME == "data-ingestion-dev-stream-gzip"
    error_message = "the function writes another stream"
  }

  assert {
    condition     = output.stream_name == "data-ingestion-dev-stream-gzip" && output.delivery_stream_name == "data-ingestion-dev-delivery-gzip"
    error_message = "the outputs do not name what is used"
  }

  assert {
    condition     = !contains(jsondecode(local.function_policy).Statement[*].Sid, "PutRecords") && contains(jsondecode(local.function_policy).Statement[*].Sid, "PutRecordsGzip")
    error_message = "the function may write another stream, or not its own"
  }
}

run "keeps_the_former_ones_while_the_packing_changes" {
  command = apply

  variables {
    fetch_packing        = "gzip"
    delivery_keep_former = true
  }

  assert {
    condition     = one(aws_kinesis_firehose_delivery_stream.delivery_stream[0].kinesis_source_configuration).kinesis_stream_arn == aws_kinesis_stream.stream[0].arn
    error_message = "nobody delivers the lines that are left"
  }

  assert {
    condition     = one(aws_kinesis_firehose_delivery_stream.delivery_stream[0].extended_s3_configuration).compression_format == "GZIP"
    error_message = "lines are delivered in another way than before"
  }

  assert {
    condition     = length(setsubtract(["PutRecords", "PutRecordsGzip"], jsondecode(local.function_policy).Statement[*].Sid)) == 0
    error_message = "an invocation that began before the change may not end"
  }

  assert {
    condition     = length(setsubtract(["ReadStream", "ReadStreamGzip"], jsondecode(local.delivery_policy).Statement[*].Sid)) == 0
    error_message = "Firehose may not read both streams"
  }

  assert {
    condition     = output.stream_name == "data-ingestion-dev-stream-gzip"
    error_message = "the outputs do not name what is used"
  }
}

run "lets_firehose_decrypt_both_streams" {
  command = apply

  variables {
    delivery_keep_former = true
    stream_kms_key       = "arn:aws:kms:eu-central-1:123456789012:key/mine"
  }

  assert {
    condition     = [for each in jsondecode(local.delivery_policy).Statement : each.Condition.StringEquals["kms:EncryptionContext:aws:kinesis:arn"] if startswith(each.Sid, "DecryptRecords")] == [aws_kinesis_stream.stream[0].arn, aws_kinesis_stream.stream_gzip[0].arn]
    error_message = "Firehose may not decrypt what it reads"
  }
}

run "puts_gzip_members_on_a_stream_that_exists" {
  command = apply

  variables {
    fetch_packing   = "gzip"
    existing_stream = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine", name = "mine", packing = "gzip" }
  }

  assert {
    condition     = length(aws_kinesis_stream.stream) + length(aws_kinesis_stream.stream_gzip) == 0
    error_message = "a stream is made in place of the one that exists"
  }

  assert {
    condition     = one(aws_kinesis_firehose_delivery_stream.delivery_stream_gzip[0].kinesis_source_configuration).kinesis_stream_arn == var.existing_stream.arn
    error_message = "Firehose reads another stream"
  }

  assert {
    condition     = output.stream_name == "mine"
    error_message = "the outputs do not name what is used"
  }
}

run "refuses_to_compress_twice" {
  command = plan

  variables {
    fetch_packing        = "gzip"
    delivery_compression = "UNCOMPRESSED"
  }

  expect_failures = [var.delivery_compression]
}

run "refuses_two_packings_on_a_stream_that_exists" {
  command = plan

  variables {
    delivery_keep_former = true
    existing_stream      = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine", name = "mine" }
  }

  expect_failures = [var.existing_stream]
}

run "refuses_another_packing_than_that_of_a_stream_that_exists" {
  command = plan

  variables {
    fetch_packing   = "gzip"
    existing_stream = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine", name = "mine" }
  }

  expect_failures = [var.existing_stream]
}

run "refuses_lines_on_a_stream_of_gzip_members" {
  command = plan

  variables {
    existing_stream = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mine", name = "mine", packing = "gzip" }
  }

  expect_failures = [var.existing_stream]
}
