"""Where the verification keys come from: a secret in Secrets Manager."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from streamer.errors import ServiceUnavailable


class SecretSource:
    """Reads one secret. The only place in the functions that knows Secrets Manager."""

    def __init__(self, client: Any, name: str) -> None:
        """Make a source.

        Args:
            client: boto3's client for `secretsmanager`.
        """
        self._client = client
        self._name = name

    def fetch(self) -> str:
        """Return the current value of the secret.

        Raises:
            ServiceUnavailable: it cannot be read, or is binary.
        """
        try:
            value = self._client.get_secret_value(SecretId=self._name).get("SecretString")
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(
                f"The secret {self._name} cannot be read; check that it exists and that we may read it."
            ) from error
        if not isinstance(value, str):
            raise ServiceUnavailable(f"The secret {self._name} is binary; store its value as a string.")
        return value
