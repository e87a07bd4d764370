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
