"""Secrets in addresses: whatever leaves this process (log, JSON, webhook, error) goes without them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# Of the parameters of an address: passwords and tokens, and what signs an address of S3, Google or Azure.
SECRET = (
    r"(?:[\w-]*(?:passw|passphrase|pwd|token|secret|signature|credential|key(?!word|board|frame)|auth(?!ors?\b))[\w-]*"
    r"|user|pass|sig|se|sp|sv)"
)
# A user and a password before the host, which may hold what stands behind a host as well: no port is meant.
PASSWORD = r"//(?!\[)[^/?#\s@]*:(?!\d+[/?#])\S*@"


def without_credentials(text: str) -> str:
    """An address, or a text that quotes some, with neither user, password, token nor signature in it."""
    text = re.sub(r"//\S*@", "//***@", text)  # to the last @: a password may hold one
    return re.sub(rf"([?&]{SECRET}=)[^&\s'\")]+", r"\1***", text, flags=re.IGNORECASE)


def holds_secret(address: str) -> bool:
    """Whether an address says more than where it leads and, as in ssh://ada@host, as whom: a password or a token."""
    as_whom = re.search(r"(\w*)://[^/?#\s]*@", address)
    if re.search(PASSWORD, address) or (as_whom and as_whom[1].lower() in ("http", "https")):
        return True
    return bool(re.search(rf"[?&]{SECRET}=", address, flags=re.IGNORECASE))


def host_of(address: str) -> str:
    """What may be told of an address whose path is a secret itself, as those of webhooks are."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "of no host"
