"""Text in Terraform's own language."""

from tools.module.hcl import attributes, literal, quoted


def test_attributes_are_aligned() -> None:
    """The equals signs stand where `terraform fmt` puts them."""
    assert attributes({"a": "1", "name": "2"}) == "  a    = 1\n  name = 2\n"


def test_a_string_is_no_template() -> None:
    """What looks like a template is taken as it is."""
    assert quoted('a "${b}" %{c}') == '"a \\"$${b}\\" %%{c}"'


def test_values_are_written_in_terraforms_words() -> None:
    """Each type of a default has its form."""
    value = {"a": [1, True, None, "x"], "b": {}}

    assert literal(value) == '{ a = [1, true, null, "x"], b = {} }'
