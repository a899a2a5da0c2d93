"""What a stage and the server of its run say to each other, and what both must have in common.

They speak through a socket of Linux's abstract namespace, which leaves no file behind. Everybody on the machine can
connect to such a socket, so each side asks the system whether the other is the same user.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from typing import Any

# In the environment of a run: the server's name; the stages that use networks; and, of a fork, that it is one.
ADDRESS, WITH_KERAS, FORKED = "KIYAS_FORK_SERVER", "KIYAS_STAGES_WITH_KERAS", "KIYAS_FORKED"
# Of the environment, what DVC and the shell set anew for each stage, and what the server itself is not to have.
OWN = {ADDRESS, FORKED, WITH_KERAS, "DVC_ROOT", "DVC_STAGE", "OLDPWD", "PWD", "SHLVL", "_"}
STREAMS = (0, 1, 2)
LONGEST = 2**17  # bytes of a message
CREDENTIALS = struct.Struct("3i")  # process, user, group


def address(name: str, keras: bool) -> str:
    """Where stages with networks, or those without, are forked."""
    return f"\0{name}{'-keras' if keras else ''}"


def new_socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def is_same_user(connection: socket.socket) -> bool:
    """Whether this user's process is at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return bool(CREDENTIALS.unpack(credentials)[1] == os.getuid())


def surroundings() -> dict[str, Any]:
    """What decides how libraries behave that read it while they are imported: a fork has the server's."""
    return {
        "folder": os.getcwd(),
        "python": [sys.executable, sys.version, [*sys.flags], sys.warnoptions, sys._xoptions, sys.path],
        "environment": {name: value for name, value in os.environ.items() if name not in OWN},
    }


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
    return dict(json.loads(content))
