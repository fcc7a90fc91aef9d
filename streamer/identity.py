"""Who is asking: what the verified token says, and nothing else."""

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of a tenant.

    Attributes:
        expires_at: epoch seconds at which the token that proved this ends.
    """

    tenant_id: str
    user_id: str
    permissions: Set[str]
    expires_at: float
