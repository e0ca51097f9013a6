"""Who is acting: a person at a screen, a partner's system, or a job.

Grant: a permission and the scope in which it holds.  Scope: all, county, warehouse, organisation or own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.foundation.errors import NotAllowed


class Scope(StrEnum):
    """How far a permission reaches."""

    ALL = "all"
    COUNTY = "county"
    WAREHOUSE = "warehouse"
    ORGANISATION = "organisation"
    OWN = "own"


@dataclass(frozen=True)
class Actor:
    """Who acts, what they may do, and where.

    ``reach`` maps a scope to the ids it covers: ``{Scope.COUNTY: (5, 9)}``. Scope.OWN covers the person's own id.
    """

    id: int | None
    name: str
    role: str
    grants: Mapping[str, Scope] = field(default_factory=dict)
    reach: Mapping[Scope, tuple[int, ...]] = field(default_factory=dict)
    language: str = "hu"

    def may(self, permission: str) -> bool:
        """Tell whether the permission is granted in any scope."""
        return permission in self.grants

    def require(self, permission: str) -> None:
        """Refuse unless the permission is granted in some scope."""
        if permission not in self.grants:
            raise NotAllowed(permission=permission)

    def covers(self, permission: str, **ids: int | None) -> bool:
        """Tell whether the permission holds for a thing with these ids: ``covers("needs.read", county=5)``."""
        scope = self.grants.get(permission)
        if scope is None:
            return False
        return scope is Scope.ALL or ids.get(scope.value) in self.reach.get(scope, ())

    def require_for(self, permission: str, **ids: int | None) -> None:
        """Refuse unless the permission holds for a thing with these ids."""
        self.require(permission)
        if not self.covers(permission, **ids):
            raise NotAllowed(permission=permission)


NOBODY = Actor(None, "nobody", "nobody")
