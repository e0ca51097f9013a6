"""What people call the kinds of organisations."""

from __future__ import annotations

from app.foundation.words import Message, say
from app.partners.models import OrganisationKind

KINDS: dict[str, Message] = {
    OrganisationKind.FAMILY_SUPPORT: say("Family-support service"),
    OrganisationKind.HEALTH_VISITOR: say("Health visitor"),
    OrganisationKind.GP: say("General practitioner"),
    OrganisationKind.SCHOOL: say("School"),
    OrganisationKind.KINDERGARTEN: say("Kindergarten"),
    OrganisationKind.NOTARY: say("Notary"),
    OrganisationKind.HOMELESS_CARE: say("Homeless care"),
    OrganisationKind.SHELTER: say("Shelter"),
    OrganisationKind.PARISH: say("Parish"),
    OrganisationKind.NGO: say("Civil organisation"),
    OrganisationKind.VILLAGE_CARETAKER: say("Village caretaker"),
}
