import pytest

from tools.switches import SwitchError, is_on


@pytest.mark.parametrize("value", ["1", "true", "True", "YES", "on", " 1 "])
def test_a_switch_is_on(value: str) -> None:
    """The usual words for yes switch it on, in any case of their letters."""
    assert is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": value}) is True


@pytest.mark.parametrize("value", ["", "0", "false", "False", "no", "OFF"])
def test_a_switch_is_off(value: str) -> None:
    """The usual words for no do not allow anything."""
    assert is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": value}) is False


def test_a_switch_that_is_not_set_is_off() -> None:
    """Nothing is allowed that nobody asked for."""
    assert is_on("ALLOW_DATA_LOSS", {}) is False


def test_a_switch_of_another_value_is_refused() -> None:
    """A typing error neither allows nor forbids; the message names the variable and its values."""
    with pytest.raises(SwitchError, match="ALLOW_DATA_LOSS = 'maybe': must be 1 or 0"):
        is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": "maybe"})
