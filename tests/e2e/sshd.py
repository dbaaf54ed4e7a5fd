"""An OpenSSH server of a test's own, on a free port of 127.0.0.1: another host, as far as programs
that copy files can tell.

It runs as the caller, with keys and settings in a scratch folder, and lets in whoever has the key
that lies there. `host` is a name for it that ssh, scp, sftp and rsync know by `config`.
"""

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

NEEDED = {"sshd": "openssh-server", "ssh": "openssh-client", "scp": "openssh-client",
          "ssh-keygen": "openssh-client", "rsync": "rsync", "rclone": "rclone"}
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 100
Subsystem sftp internal-sftp
"""
CLIENT = """
Host {host}
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentityFile {folder}/user
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
"""


def program(name):
    """Where it is; what installs it, where it is not."""
    found = shutil.which(name, path=PATH)
    assert found, f"{name} ({NEEDED[name]}) is missing: tools/packages test"
    return found


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Sshd:
    host = "app-host"

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.config = self.folder / "client"
        for name in ("host", "user"):
            subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f",
                            self.folder / name], check=True, stdin=subprocess.DEVNULL)
        if os.getuid() == 0:  # where it locks up the part of it that nobody trusts yet
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for _ in range(5):  # somebody else may take the port first
            if self._start():
                return
        raise AssertionError(f"sshd does not start\n{(self.folder / 'log').read_text()}")

    def _start(self):
        self.port = free_port()
        facts = {"port": self.port, "folder": self.folder, "user": self.user, "host": self.host}
        (self.folder / "server").write_text(SERVER.format(**facts))
        self.config.write_text(CLIENT.format(**facts))
        key = (self.folder / "host.pub").read_text()
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {key}")
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [program("sshd"), "-D", "-e", "-f", self.folder / "server"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.01)
        self.stop()
        return False

    @property
    def shell(self):
        """What rsync is to call, and the beginning of a call of ssh."""
        return f"{program('ssh')} -F {self.config}"

    def at(self, path):
        return f"{self.host}:{path}"

    def sftp(self, path):
        """The same for rclone."""
        return (f":sftp,host=127.0.0.1,port={self.port},user={self.user},"
                f"key_file={self.folder / 'user'},shell_type=none:{path}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
