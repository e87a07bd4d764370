"""Policies as Terraform encodes them: their text, and what the real Terraform makes of it."""

import json
import subprocess
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.expressions import Unknown
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import statements_of
from tools.ground import terraform

READ = Statement("Read", ["s3:GetObject"], ["${local.bucket}/*"])
OPTIONAL = (
    Statement("One", ["kms:Decrypt"], ["${local.bucket}"], when=Unknown("local.one")),
    Statement("Two", ["kms:Decrypt", "kms:Encrypt"], ["a", "b"], when=Unknown("local.two && true")),
)
REFUSE = Statement(
    "Refuse",
    ["s3:*"],
    ["${local.bucket}", 'a/"quoted"'],
    conditions={"aws:SecureTransport": "false", "aws:SourceAccount": "${local.account}"},
    allowed=False,
)
TRUST = Statement("Trust", ["sts:AssumeRole"], services=["lambda.amazonaws.com"])


def made_by_terraform(folder: Path, policy: str, one: bool = False, two: bool = False) -> Any:
    """The policy that Terraform encodes, parsed."""
    values = {"bucket": "arn:of:it", "account": "123456789012", "one": one, "two": two, "policy": policy}
    (folder / "main.tf.json").write_text(json.dumps({"locals": values}), encoding="utf-8")
    done = subprocess.run(
        ["terraform", "console"],
        cwd=folder,
        env=terraform.environment(),
        input="local.policy\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(json.loads(done.stdout))


class TestText:
    def test_is_one_attribute_a_line(self) -> None:
        """A reviewer reads it; an expression that is the whole of a value stands by itself."""
        assert policy_document([READ, *OPTIONAL]).splitlines() == [
            "${jsonencode({",
            '  Version = "2012-10-17"',
            "  Statement = concat(",
            "    [",
            "      {",
            '        Sid      = "Read"',
            '        Effect   = "Allow"',
            '        Action   = "s3:GetObject"',
            '        Resource = "${local.bucket}/*"',
            "      },",
            "    ],",
            "    local.one ? [",
            "      {",
            '        Sid      = "One"',
            '        Effect   = "Allow"',
            '        Action   = "kms:Decrypt"',
            "        Resource = local.bucket",
            "      },",
            "    ] : [],",
            "    local.two && true ? [",
            "      {",
            '        Sid    = "Two"',
            '        Effect = "Allow"',
            "        Action = [",
            '          "kms:Decrypt",',
            '          "kms:Encrypt",',
            "        ]",
            "        Resource = [",
            '          "a",',
            '          "b",',
            "        ]",
            "      },",
            "    ] : [],",
            "  )",
            "})}",
        ]

    def test_leaves_out_what_is_switched_off(self) -> None:
        """A statement whose condition is known not to hold is no part of the document."""
        (only,) = statements_of(policy_document([TRUST, Statement("Off", ["s3:GetObject"], when=False)]))

        assert only["Sid"] == "Trust"

    def test_trust_names_no_resource(self) -> None:
        """A trust is about the role it is attached to, so IAM takes no resource in it."""
        assert statements_of(policy_document([TRUST])) == [
            {
                "Sid": "Trust",
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": ["sts:AssumeRole"],
            }
        ]

    def test_conditions_are_tested_by_their_type(self) -> None:
        """A key that is true or false is compared as such, any other as text."""
        (statement,) = statements_of(policy_document([REFUSE]))

        assert statement["Condition"] == {
            "Bool": {"aws:SecureTransport": "false"},
            "StringEquals": {"aws:SourceAccount": "${local.account}"},
        }

    def test_a_denial_is_for_everybody(self) -> None:
        """What is denied is denied to everyone, not only to one service."""
        (statement,) = statements_of(policy_document([REFUSE]))

        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")


class TestOfCdktf:
    def test_references_stand_where_they_belong(self, synthesize: Synthesize) -> None:
        """A reference of CDKTF's is one wherever it stands: alone, in a text, in a list, after another."""
        from cdktf import Fn, TerraformOutput, TerraformStack, TerraformVariable

        def build(stack: TerraformStack) -> None:
            arn = TerraformVariable(stack, "arn", type="string").string_value
            keys = TerraformVariable(stack, "keys", type="list(string)").list_value
            statements = [
                Statement("Alone", ["s3:GetObject"], [arn], conditions={"aws:PrincipalArn": arn}),
                Statement("InText", ["s3:GetObject"], [f"{arn}/a/{arn}", Fn.upper(arn)]),
                Statement("List", ["s3:GetObject"], keys),
            ]
            TerraformOutput(stack, "policy", value=policy_document(statements))

        lines = synthesize(build).json["output"]["policy"]["value"].splitlines()

        assert [line.strip() for line in lines if "var." in line or "upper" in line] == [
            'Resource  = "${var.arn}"',
            'Condition = { StringEquals = { "aws:PrincipalArn" = "${var.arn}" } }',
            '"${var.arn}/a/${var.arn}",',
            '"${upper(var.arn)}",',
            'Resource = split(",", "${join(",", var.keys)}")',
        ]


@pytest.mark.terraform
class TestTerraform:
    def test_is_formatted(self, tmp_path: Path) -> None:
        """As an attribute of HCL it is what `terraform fmt` writes."""
        policies = {name: policy_document([each, *OPTIONAL]) for name, each in (("a", READ), ("b", REFUSE))}
        blocks = [indent(f"{name} = {policy[2:-1]}", "  ") for name, policy in policies.items()]
        text = "locals {\n" + "\n\n".join(blocks) + "\n}\n"
        (tmp_path / "main.tf").write_text(text, encoding="utf-8")
        subprocess.run(["terraform", "fmt"], cwd=tmp_path, env=terraform.environment(), check=True)

        assert (tmp_path / "main.tf").read_text(encoding="utf-8") == text

    def test_encodes_texts_as_they_are(self, tmp_path: Path) -> None:
        """Quotes, references in a text and a value that is one reference reach the policy unchanged."""
        made = made_by_terraform(tmp_path, policy_document([REFUSE]))

        assert made == {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Refuse",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": ["arn:of:it", 'a/"quoted"'],
                    "Condition": {
                        "Bool": {"aws:SecureTransport": "false"},
                        "StringEquals": {"aws:SourceAccount": "123456789012"},
                    },
                }
            ],
        }

    @pytest.mark.parametrize(("one", "two"), [(False, False), (True, False), (True, True)])
    def test_a_statement_is_part_of_it_on_its_condition(self, tmp_path: Path, one: bool, two: bool) -> None:
        """Terraform takes statements of different forms, and leaves out those whose condition fails."""
        made = made_by_terraform(tmp_path, policy_document([READ, *OPTIONAL]), one, two)

        assert [statement["Sid"] for statement in made["Statement"]] == [
            "Read",
            *(["One"] if one else []),
            *(["Two"] if two else []),
        ]
