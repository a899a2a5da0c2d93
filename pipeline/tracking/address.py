"""Where the tracking store is, what lies beside it, and how it is named without its credentials."""

from __future__ import annotations

import os
import re
import uuid
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pipeline.credentials import without_credentials

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
SQLITE = "sqlite:///"
CHECKOUT_FILE = Path(".kiyas/checkout")


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, else mlflow.db in the current folder; a SQLite path is made absolute.

    A workspace shares its parent's store because the command that starts it sets MLFLOW_TRACKING_URI.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{DATABASE}"
    path, mark, options = uri.removeprefix(SQLITE).partition("?")
    if not uri.startswith(SQLITE) or not path:
        return uri
    return f"{SQLITE}{Path(path).absolute()}{mark}{options}"


def is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def split_credentials(server: str) -> tuple[str, dict[str, str]]:
    """A server's address without user and password, and these two as the variables in which MLflow looks for them."""
    parts = urlsplit(server)
    if parts.username is None:
        return server, {}
    user, password = unquote(parts.username), unquote(parts.password or "")
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return address, {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password}


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store; None for another kind, and for one in memory."""
    path = uri.removeprefix(SQLITE).partition("?")[0]
    return Path(path) if uri.startswith(SQLITE) and path and ":memory:" not in path else None


def home_of(uri: str) -> Path:
    """The folder of the SQLite file, or the checkout for another kind of store."""
    return (sqlite_file(uri) or Path(DATABASE).absolute()).parent


def artifact_location(uri: str, experiment: str) -> str | None:
    """mlartifacts/ beside the SQLite file (or in the checkout, for another database); a server decides for itself."""
    if is_server(uri):
        return None
    folder = re.sub(r"[^\w-]+", "-", experiment)  # a name such as "../x" must not lead out of the folder
    return (home_of(uri) / ARTIFACTS / folder).as_uri()


def checkout_id() -> str:
    """A name for this checkout that no other has: made up once and kept in .kiyas/checkout.

    It lies beside a SQLite store, so that a workspace, which shares its parent's store, shares its name too.
    """
    path = home_of(tracking_uri()) / CHECKOUT_FILE
    if not path.exists():
        name = uuid.uuid4().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".checkout-{name}")
        temporary.write_text(name, encoding="utf-8")
        with suppress(FileExistsError):  # of several processes the first one names it
            os.link(temporary, path)
        temporary.unlink()
    return path.read_text(encoding="utf-8")


def reason_of(error: BaseException) -> str:
    """The first line of an exception's message, without credentials."""
    return without_credentials(str(error).strip().partition("\n")[0]) or type(error).__name__
