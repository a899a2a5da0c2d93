"""What a retraining ends with: an exit code, a summary for programs, a line for people, and a message to a webhook."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pipeline.credentials import host_of, without_credentials

Ending = Literal["nothing", "kept", "promoted", "asked", "failed"]
EXIT_CODES: dict[Ending, int] = {"nothing": 0, "kept": 0, "promoted": 10, "asked": 20, "failed": 1}
HEADLINES: dict[Ending, str] = {
    "nothing": "nothing to do",
    "kept": "the champion stays",
    "promoted": "a new champion",
    "asked": "a person has to decide",
    "failed": "failed",
}
PATIENCE = 10  # seconds for a webhook

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Outcome:
    """How a retraining ended.

    Attributes:
        reasons: full sentences.
        champion: its version after this, None where there is none.
        version: the version that was promoted or asked about.
        batch: name of the accepted batch.
        drift: a sentence for each kind of drift that was found.
        numbers: everything that was measured.
        unlabelled: what is to be said of data/unlabelled; empty where nothing lies there.
    """

    ending: Ending
    reasons: list[str]
    champion: int | None = None
    version: int | None = None
    batch: str | None = None
    drift: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.ending]

    def summary(self, log_file: str, seconds: float) -> dict[str, Any]:
        """For JSON on stdout and for the webhook."""
        return asdict(self) | {"exit_code": self.exit_code, "log": log_file, "seconds": round(seconds, 1)}

    def sentence(self) -> str:
        return f"retrain: {HEADLINES[self.ending]}. {' '.join([*self.reasons, *self.drift, *self.unlabelled])}"


def notify(url: str, summary: dict[str, Any]) -> bool:
    """POST the summary as JSON; a webhook that does not answer costs a warning, never the retraining."""
    body = json.dumps(summary, ensure_ascii=False).encode()
    try:
        if not url.startswith(("http://", "https://")):
            raise ValueError("it is no http or https address")
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE):
            return True
    except (ValueError, OSError, urllib.error.URLError) as error:
        log.warning("webhook %s: not told (%s)", host_of(url), without_credentials(str(error)))
        return False
