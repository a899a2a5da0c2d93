"""Real services of one machine, each on loopback, of a test's own and gone with it: SSH, S3 and Slurm."""

from __future__ import annotations

import getpass
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.tracking.servers import free_port, running, start

LONGEST = 60.0  # seconds that a service may take to answer


def missing_for_ssh() -> str | None:
    """What keeps a remote over SSH from being tried here; None where nothing does."""
    if importlib.util.find_spec("dvc_ssh") is None:
        return "dvc-ssh is not installed: pip install -e '.[ssh]'"
    absent = [name for name in ("sshd", "ssh-keygen") if _program(name) is None]
    return f"{absent[0]} is not installed: apt-get install openssh-server" if absent else None


def missing_for_s3() -> str | None:
    if importlib.util.find_spec("dvc_s3") is None:
        return "dvc-s3 is not installed: pip install -e '.[s3]'"
    found = importlib.util.find_spec("moto") and importlib.util.find_spec("flask_cors")
    return None if found else "no S3 server is installed: pip install 'moto[server]'"


def missing_for_slurm() -> str | None:
    programs = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "sinfo")
    absent = [name for name in programs if _program(name) is None]
    if absent:
        return f"{absent[0]} is not installed: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "slurmd runs jobs as their users, which only root may"


@dataclass
class SshServer:
    """An sshd with a key of its own for one user, this one, who has a home folder of its own.

    Attributes:
        folder: holds keys and configuration; `home` in it is the user's HOME.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def prepare(self) -> None:
        """Keys of host and user, and what each has to know of the other."""
        own = self.home / ".ssh"
        own.mkdir(parents=True, mode=0o700)
        for key in (self.folder / "host", own / "id_ed25519"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        (self.folder / "authorized").write_text((own / "id_ed25519.pub").read_text())
        host = (self.folder / "host.pub").read_text().split()
        (own / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host[0]} {host[1]}\n")
        settings = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder / 'host'}",
            f"AuthorizedKeysFile {self.folder / 'authorized'}",
            f"PidFile {self.folder / 'pid'}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "Subsystem sftp internal-sftp",
        ]
        (self.folder / "sshd_config").write_text("\n".join(settings) + "\n")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # in which sshd, as root, locks up what is not logged in yet

    def start(self) -> None:
        command = [str(_program("sshd")), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self.process = start(command, self.folder, self.folder / "sshd.log")
        wait_until(lambda: listens(self.port), f"sshd: {self.folder / 'sshd.log'}")

    def kill(self) -> None:
        """The server and every connection, each of which is a process of its own."""
        if self.process:
            with suppress(psutil.Error):
                for child in psutil.Process(self.process.pid).children(recursive=True):
                    with suppress(psutil.Error):
                        child.kill()
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    server = SshServer(folder)
    server.prepare()
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def s3_server(folder: Path, bucket: str) -> Iterator[str]:
    """An S3 server in memory with one bucket; gives its address. Credentials may be anything."""
    port = free_port()
    log = folder / "s3.log"
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], folder, log):
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: listens(port), f"moto: {log}")
        urllib.request.urlopen(urllib.request.Request(f"{address}/{bucket}", method="PUT"), timeout=LONGEST)
        yield address


@contextmanager
def slurm_cluster() -> Iterator[dict[str, str]]:
    """A controller and one node, this machine; gives the environment in which Slurm's commands find them.

    The node says that it has more processors than the machine, so that jobs do not wait for each other.
    """
    folder = Path(tempfile.mkdtemp(prefix="kiyas-slurm-"))  # short, as names of sockets have to be
    folder.chmod(0o755)
    host = socket.gethostname().partition(".")[0]
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)
    (folder / "slurm.conf").write_text(SLURM.format(folder=folder, host=host, control=free_port(), node=free_port()))
    for name in ("state", "spool"):
        (folder / name).mkdir()
    environment = {"SLURM_CONF": str(folder / "slurm.conf")}
    munge = [f"--{what}={folder / f'munge.{what}'}" for what in ("socket", "key-file", "log-file", "pid-file")]
    munge[1] = f"--key-file={folder / 'munge.key'}"
    commands = [
        [str(_program("munged")), "--foreground", "--force", *munge, f"--seed-file={folder / 'munge.seed'}"],
        [str(_program("slurmctld")), "-D", "-c", "-f", str(folder / "slurm.conf")],
        [str(_program("slurmd")), "-D", "-c", "-f", str(folder / "slurm.conf")],
    ]
    processes = []
    try:
        for command in commands:
            processes.append(start(command, folder, folder / f"{Path(command[0]).name}.log"))
            if "munged" in command[0]:
                wait_until((folder / "munge.socket").exists, f"munged: {folder / 'munged.log'}")
        wait_until(lambda: "idle" in _output(["sinfo", "--noheader"], environment), f"Slurm: {folder}")
        yield environment
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


SLURM = """ClusterName=kiyas
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
SlurmctldPort={control}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_min_interval=100000
MpiDefault=none
ReturnToService=2
MinJobAge=10
KillWait=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES State=UP
"""


def wait_until(condition: Callable[[], Any], what: str, seconds: float = LONGEST) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.1)


def _program(name: str) -> str | None:
    """Its whole path, which sshd wants; daemons are not on everybody's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


def listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _output(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    return done.stdout
