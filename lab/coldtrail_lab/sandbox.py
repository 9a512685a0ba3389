"""A sandbox: a real process that runs the real `awslambdaric`, frozen between invocations.

Cold starts, reuse, time-outs, memory kills and crashes truly happen; what it prints comes through the
framed telemetry pipe that Lambda gives its runtimes, so a stack trace stays one log event.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import queue
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from coldtrail_lab.runtime_api import Invocation, RuntimeApi

PR_SET_PDEATHSIG = 1
_spawner = ThreadPoolExecutor(1, "spawner")
"""The kernel's death signal follows the thread that forked, so one thread that lives as long as the lab forks all."""

WATCH_S = 0.03
DRAIN_S = 0.5


def die_with_parent() -> None:
    """Make the kernel kill this process when its parent is gone; run in the child before exec."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Sandbox:
    """One execution environment of a function."""

    def __init__(
        self,
        handler: str,
        code: Path,
        environment: dict[str, str],
        log: Callable[[str, int], None],
        layer: Path | None = None,
    ) -> None:
        self.api = RuntimeApi()
        self.started = time.monotonic()
        self.last_used = self.started
        self.app_id = os.urandom(16).hex()
        self.version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.initialization = environment["AWS_LAMBDA_INITIALIZATION_TYPE"]
        self.stream = time.strftime(f"%Y/%m/%d/[{self.version}]", time.gmtime()) + self.app_id
        self._log = log
        read_end, write_end = os.pipe()
        environment = {
            **environment,
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.stream,
            "AWS_SDK_UA_APP_ID": self.app_id,
            "_HANDLER": handler,
            "_LAMBDA_TELEMETRY_LOG_FD": str(write_end),
            "LAMBDA_TASK_ROOT": str(code),
            "PYTHONPATH": f"{code}:{layer}" if layer else str(code),
        }
        self.process = _spawner.submit(
            subprocess.Popen,
            [sys.executable, "-m", "awslambdaric", handler],
            cwd=code,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(write_end,),
            preexec_fn=die_with_parent,
            start_new_session=True,
        ).result()
        os.close(write_end)
        assert self.process.stdout
        self._pipes = (read_end, self.process.stdout.fileno())
        self._readers = [
            threading.Thread(target=self._read_frames, args=(read_end,), daemon=True),
            threading.Thread(target=self._read_lines, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait_until_ready(self, timeout_s: float) -> float | None:
        """Wait for the runtime to ask for an event; return the init time in ms, None if it never did."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.api.ready.wait(0.05):
                return None if self.api.init_error is not None else (time.monotonic() - self.started) * 1e3
            if self.process.poll() is not None:
                return None
        return None

    def invoke(self, invocation: Invocation, timeout_s: float, memory_mb: int) -> tuple[str, Any]:
        """Run one event; return ("ok"|"error"|"timeout"|"out_of_memory"|"exit", payload)."""
        self._signal(signal.SIGCONT)
        self.api.give(invocation)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                outcome = invocation.outcome.get(timeout=WATCH_S)
                self._read_what_was_printed()
                return outcome
            except queue.Empty:
                pass
            if self.process.poll() is not None:
                return "exit", {"status": self.process.returncode}
            if self.memory_mb() >= memory_mb:
                self.kill()
                return "out_of_memory", None
            if time.monotonic() >= deadline:
                self.kill()
                return "timeout", None

    def _read_what_was_printed(self) -> None:
        """Lambda writes END after all that a function printed: wait until the pipes are empty."""
        deadline = time.monotonic() + DRAIN_S
        while self._unread() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.002)  # what was read last is being written down

    def _unread(self) -> bool:
        waiting = bytearray(4)
        with contextlib.suppress(OSError):
            for fd in self._pipes:
                fcntl.ioctl(fd, termios.FIONREAD, waiting)
                if any(waiting):
                    return True
        return False

    def freeze(self) -> None:
        """Stop the process until the next event, as Lambda does."""
        self.last_used = time.monotonic()
        self._signal(signal.SIGSTOP)

    def memory_mb(self) -> int:
        """Return the resident memory in MB, 0 when the process is gone."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
            return -(-pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000)
        return 0

    def kill(self) -> None:
        """End the process at once, and read what it still printed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self._readers:
            reader.join(2)

    def close(self) -> None:
        """Kill and stop serving."""
        self.kill()
        self.api.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def _read_frames(self, fd: int) -> None:
        with os.fdopen(fd, "rb") as pipe:
            while len(head := pipe.read(16)) == 16:
                length, micros = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:16], "big")
                message = pipe.read(length).decode("utf-8", "replace").rstrip("\n")
                if message:
                    self._log(message, micros // 1_000)

    def _read_lines(self) -> None:
        """What the function prints: one log event a line."""
        assert self.process.stdout
        for line in self.process.stdout:
            if text := line.decode("utf-8", "replace").rstrip("\r\n"):
                self._log(text, time.time_ns() // 1_000_000)
