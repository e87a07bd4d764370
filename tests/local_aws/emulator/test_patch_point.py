"""That a changed emulator is refused by name, before any patch is half applied."""

import types

import pytest

from local_aws.emulator.patches import patch_point


def test_a_missing_private_name_is_named() -> None:
    """The message holds the module, the name and what to do."""
    module = types.ModuleType("ministack.services.kinesis")

    with pytest.raises(
        patch_point.EmulatorChanged, match=r"ministack\.services\.kinesis\._put_records .* install"
    ):
        patch_point.wrap(module, "_put_records", lambda original: original)


def test_a_name_that_is_no_function_any_more_is_named() -> None:
    """A constant of the same name does not pass for the function."""
    module = types.ModuleType("m")
    module.__dict__["_put"] = 3

    with pytest.raises(patch_point.EmulatorChanged, match=r"m\._put is not a function"):
        patch_point.wrap(module, "_put", lambda original: original)


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds the version found and the one wanted."""
    monkeypatch.setattr(patch_point, "version", lambda _: "9.9.9")

    with pytest.raises(patch_point.EmulatorChanged, match=r"9\.9\.9 is installed, not 1\.5\.33"):
        patch_point.require_version()


def test_the_pinned_version_is_the_installed_one() -> None:
    """The lock file and the patches agree."""
    patch_point.require_version()
