"""`scripts/debian.sh` on machines that lack something: what it installs, and what it says where it cannot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/debian.sh"
BASH = shutil.which("bash")


class Machine:
    """A PATH of stubs; `apt-get` notes what it was asked for and fails where it is told to."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.asked = folder / "asked"
        self.command("python3", "exit 0")
        self.command("node", "echo v20.19.0")
        newer = f"printf '#!{BASH}\\necho v22.1.0\\n' > {self.bin}/node; {shutil.which('chmod')} +x {self.bin}/node"
        self.command("apt-get", f'echo "$*" >> {self.asked}; [[ "$*" != *nodejs* ]] || {{ {newer}; }}')
        self.command("apt-cache", 'printf "nodejs:\\n  Installed: (none)\\n  Candidate: 22.1.0+dfsg-1\\n"')
        self.command("id", "echo 0")
        self.command("env", f'shift; exec {BASH} -c \'"$@"\' sh "$@"')
        for name in ("npm", "git", "chromium", "promtool"):
            self.command(name, "exit 0")

    def command(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!{BASH}\n{script}\n")
        (self.bin / name).chmod(0o755)

    def without(self, *names: str) -> Machine:
        for name in names:
            (self.bin / name).unlink()
        return self

    def setup(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([BASH, SCRIPT], env={"PATH": str(self.bin), **env}, capture_output=True, text=True, timeout=180)

    @property
    def installed(self) -> list[str]:
        lines = self.asked.read_text().splitlines() if self.asked.exists() else []
        return [word for line in lines if line.startswith("install") for word in line.split()[1:] if not word.startswith("-")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_with_everything_is_left_alone(machine: Machine) -> None:
    ended = machine.setup()
    assert (ended.returncode, ended.stdout, ended.stderr, machine.installed) == (0, "", "", [])


def test_what_is_missing_is_installed(machine: Machine) -> None:
    machine.without("npm", "node", "git", "chromium", "promtool").command("python3", '[[ "$*" != *ensurepip* ]]')
    assert machine.setup().returncode == 0
    assert machine.installed == ["python3-venv", "nodejs", "npm", "chromium", "git", "prometheus"]


@pytest.mark.parametrize(("version", "fits"), [("v18.20.4", False), ("v20.18.3", False), ("v20.19.0", True), ("v24.0.1", True)])
def test_an_old_node_is_replaced(machine: Machine, version: str, fits: bool) -> None:
    machine.command("node", f"echo {version}")
    assert machine.setup().returncode == 0
    assert machine.installed == ([] if fits else ["nodejs", "npm"])


def test_a_system_with_an_old_node_alone_says_which_one_is_needed(machine: Machine) -> None:
    machine.without("npm").command("apt-cache", 'printf "  Candidate: 18.20.4+dfsg-1~deb12u2\\n"')
    ended = machine.setup()
    assert (ended.returncode, machine.installed) == (1, [])
    assert "this system offers Node.js 18.20.4+dfsg-1~deb12u2; the page is built with 20.19 or newer" in ended.stderr


def test_a_node_that_turns_out_to_be_old_is_named(machine: Machine) -> None:
    machine.without("npm", "apt-cache").command("node", "echo v18.20.4")
    machine.command("apt-get", "exit 0")
    ended = machine.setup()
    assert (ended.returncode, "this system has Node.js v18.20.4" in ended.stderr) == (1, True)


@pytest.mark.parametrize(("lacks", "script", "said"), [
    ("apt-get", "", "install nodejs npm with your system's package manager, then run it again"),
    ("apt-get", "exit 100", "apt-get could not install nodejs npm (see above): is there a network?"),
    ("id", "echo 1000", "there is no sudo: have somebody run apt-get install nodejs npm"),
], ids=["no apt-get", "no network", "not root"])
def test_where_node_cannot_be_installed_it_says_why(machine: Machine, lacks: str, script: str, said: str) -> None:
    machine.without("npm", lacks)
    if script:
        machine.command(lacks, script)
    ended = machine.setup()
    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr


def test_the_demo_does_not_need_a_browser(machine: Machine) -> None:
    ended = machine.without("chromium", "apt-get").setup()
    assert ended.returncode == 0
    assert "Without chromium the demo runs, and some tests do not." in ended.stdout


def test_prometheus_is_installed_for_its_commands_and_not_as_a_service(machine: Machine) -> None:
    machine.without("promtool").command("systemctl", f'echo "systemctl $*" >> {machine.asked}')
    assert machine.setup().returncode == 0
    assert "systemctl mask --quiet prometheus.service" in machine.asked.read_text()
    assert machine.installed == ["prometheus"]


def test_somebody_with_sudo_installs_through_it(machine: Machine) -> None:
    machine.without("git").command("id", "echo 1000")
    machine.command("sudo", '"$@"')
    assert machine.setup().returncode == 0
    assert machine.installed == ["git"]


def test_a_missing_or_old_python_is_named(machine: Machine) -> None:
    assert "there is no python9" in machine.setup(PYTHON="python9").stderr
    machine.command("python3", '[[ "$1" == --version ]] && echo Python 3.9.2')
    ended = machine.setup()
    assert (ended.returncode, "Python 3.9.2 is too old: install Python 3.11" in ended.stderr) == (1, True)
