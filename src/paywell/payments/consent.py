"""The words by which a payer agrees that a card is kept. Stored by version: a consent is to one wording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: What stands beside **Save Card for Future Payments** now (inline style). A changed text gets a new version.
CONSENT_VERSION: Final = "2026-11"
#: Where the payer ticks **Save for Future Use** on the processor's own screen.
STEP_TWO_VERSION: Final = "step-two-1"

#: Every wording that was ever shown; none is removed, as stored consents name them.
WORDINGS: Final[Mapping[str, Promise]] = {
    "2026-11": _(
        "The card processor keeps this card so that you can pay with it here. It is charged only when you press "
        "Make a Payment. Remove it at any time under Saved cards."
    ),
    "step-two-1": _("Save for Future Use, on the card processor's own page."),
}
