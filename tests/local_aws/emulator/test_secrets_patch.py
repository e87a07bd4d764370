"""That the emulator keeps versions of secrets as AWS documents it; not that AWS does."""

import pytest

from local_aws.emulator.instance import Emulator


def test_a_version_is_written_once(aws: Emulator) -> None:
    """The same text with the same id is taken again and moves nothing; another text is refused."""
    secrets = aws.client("secretsmanager")
    first, second = "a" * 32, "b" * 32
    secrets.create_secret(Name="versions", SecretString="0")
    secrets.put_secret_value(SecretId="versions", SecretString="1", ClientRequestToken=first)
    secrets.put_secret_value(SecretId="versions", SecretString="2", ClientRequestToken=second)
    secrets.put_secret_value(SecretId="versions", SecretString="1", ClientRequestToken=first)
    with pytest.raises(secrets.exceptions.ResourceExistsException):
        secrets.put_secret_value(SecretId="versions", SecretString="3", ClientRequestToken=first)

    assert secrets.get_secret_value(SecretId="versions")["SecretString"] == "2"
