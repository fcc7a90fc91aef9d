"""The verification keys of an environment: remembered, renewed, and looked for again when one is missing."""

from collections.abc import Callable
from logging import Logger

from streamer.auth.keys import KeySet, VerificationKey, parse_key_set
from streamer.clock import Clock
from streamer.errors import InvalidKeySet, ServiceUnavailable

MAX_AGE_S = 300.0
"""After this the keys are fetched again: how long a withdrawn key still works at most, if fetching works."""

MAX_STALE_S = 900.0
"""How old keys may get while they cannot be fetched. Ours."""

MIN_INTERVAL_S = 10.0
"""No two fetches are closer: tokens that name invented keys cost one call in this time. Ours."""


class KeyRing:
    """Finds keys by name, with few fetches.

    A key that is added to the set is found by the first token that names it; one that is removed
    stops working within `MAX_AGE_S`.
    """

    def __init__(self, fetch: Callable[[], str], clock: Clock, logger: Logger) -> None:
        """Make a key ring; nothing is fetched yet.

        Args:
            fetch: returns the JSON Web Key Set as text; raises ServiceUnavailable where it cannot.
        """
        self._fetch = fetch
        self._clock = clock
        self._logger = logger
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._tried_at = 0.0

    def find(self, kid: str | None) -> VerificationKey | None:
        """Return the key that `kid` names, None if there is none.

        Raises:
            ServiceUnavailable: the keys were never fetched, or too long ago, and cannot be now.
            InvalidKeySet: the same, because what is stored is no usable key set.
        """
        if self._keys is None or self._age_s() >= MAX_AGE_S:
            self._renew()
        key = self._current().find(kid)
        if key is None and self._may_fetch():
            self._renew()
            key = self._current().find(kid)
        return key

    def prefetch(self) -> None:
        """Fetch the keys ahead of need. A failure is logged and left to the first token."""
        try:
            self._renew()
        except (ServiceUnavailable, InvalidKeySet):
            self._tried_at = 0.0

    def _current(self) -> KeySet:
        if self._keys is None:
            raise ServiceUnavailable("The verification keys were never fetched; try again.")
        return self._keys

    def _age_s(self) -> float:
        return self._clock.now() - self._fetched_at

    def _may_fetch(self) -> bool:
        return self._clock.now() - self._tried_at >= MIN_INTERVAL_S

    def _renew(self) -> None:
        still_good = self._keys is not None and self._age_s() < MAX_STALE_S
        if still_good and not self._may_fetch():
            return
        self._tried_at = self._clock.now()
        try:
            keys = parse_key_set(self._fetch())
        except (ServiceUnavailable, InvalidKeySet) as error:
            self._logger.exception(
                "The verification keys were not fetched",
                extra={"action": "auth.keys_not_fetched", "code": error.code, "still_good": still_good},
            )
            if still_good:
                return
            raise
        self._keys = keys
        self._fetched_at = self._tried_at
        self._logger.info(
            "The verification keys were fetched",
            extra={"action": "auth.keys_fetched", "usable": len(keys.keys), "ignored": keys.ignored},
        )
