"""What a stage and the server of its run say to each other, and what both must have in common.

They speak through a socket of Linux's abstract namespace, which leaves no file behind. Everybody on the machine can
connect to such a socket, and so can containers that share its network. So each side asks the system whether the other
is the same user, and the server wants to hear a secret that only the environment of the run holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import sys
from typing import Any

# In the environment of a run: the server's name, its secret, and the stages that use networks.
ADDRESS, SECRET, WITH_KERAS = "KIYAS_FORK_SERVER", "KIYAS_FORK_SECRET", "KIYAS_STAGES_WITH_KERAS"
FORKED = "KIYAS_FORKED"  # in the environment of a fork
# Of the environment, what DVC and the shell set anew for each stage, and what only stages or only the server have.
OWN = {ADDRESS, SECRET, WITH_KERAS, FORKED, "DVC_ROOT", "DVC_STAGE", "OLDPWD", "PWD", "SHLVL", "_"}
STREAMS = (0, 1, 2)
LONGEST = 2**17  # bytes of a message
PATIENCE = 5  # seconds for each other's messages; a stage then starts by itself
CREDENTIALS = struct.Struct("3i")  # process, user, group


def address(name: str, keras: bool) -> str:
    """Where stages with networks, or those without, are forked."""
    return f"\0{name}{'-keras' if keras else ''}"


def new_socket() -> socket.socket:
    """
    Raises:
        OSError: this system has no such sockets, or forbids them.
    """
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def is_same_user(connection: socket.socket) -> bool:
    """Whether this user's process is at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return bool(CREDENTIALS.unpack(credentials)[1] == os.getuid())


def surroundings() -> str:
    """A hash of what libraries read while they are imported: a fork keeps the server's."""
    python = [os.path.realpath(sys.executable), sys.prefix, sys.version, [*sys.flags], sys.warnoptions, sys._xoptions]
    environment = {name: value for name, value in os.environ.items() if name not in OWN}
    known = json.dumps([os.getcwd(), python, sys.path, environment], sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()


def packed(message: dict[str, Any]) -> bytes:
    """
    Raises:
        ValueError: it is longer than a message may be.
    """
    content = json.dumps(message).encode()
    if len(content) > LONGEST:
        raise ValueError(f"a message of {len(content)} bytes")
    return content


def unpacked(content: bytes) -> dict[str, Any]:
    """
    Raises:
        ValueError: it is no message.
    """
    return dict(json.loads(content))
