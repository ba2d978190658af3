"""Who sent a webhook of Bitrix's own: a token within the form says so, as there is no signature."""

import hmac
from collections.abc import Iterable
from typing import Final

from bitrix_pipeline.inbox.bitrix_form import Form

TOKEN_FIELD: Final = "auth[application_token]"  # noqa: S105 - a name


def is_from_bitrix(form: Form, tokens: Iterable[bytes]) -> bool:
    """Takes the same time whichever token fits."""
    sent = [value for name, value in form if name == TOKEN_FIELD]
    if len(sent) != 1:
        return False
    presented = sent[0].encode()
    known = False
    for token in tokens:
        known |= hmac.compare_digest(presented, token)
    return known
