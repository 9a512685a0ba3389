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
import select
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
DRAIN_S = 10.0
CHUNK_BYTES = 1 << 16


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
        self._closed = False
        self._in_hand = dict.fromkeys(self._pipes, False)
        self._readers = [
            threading.Thread(target=self._read, args=(fd, take), daemon=True)
            for fd, take in zip(self._pipes, (self._take_frames, self._take_lines), strict=True)
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
        """Lambda writes END after all that a function printed: wait until it is read and written down."""
        deadline = time.monotonic() + DRAIN_S
        while self._unread() and time.monotonic() < deadline:
            time.sleep(0.001)

    def _unread(self) -> bool:
        """Bytes are in hand before they are gone from the pipe, so the pipe is looked at first."""
        waiting = bytearray(4)
        with contextlib.suppress(OSError):
            for fd in self._pipes:
                fcntl.ioctl(fd, termios.FIONREAD, waiting)
                if any(waiting):
                    return True
        return any(self._in_hand.values())

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
        if not self._closed and not any(reader.is_alive() for reader in self._readers):
            self._closed = True
            os.close(self._pipes[0])

    def close(self) -> None:
        """Kill and stop serving."""
        self.kill()
        self.api.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def _read(self, fd: int, take: Callable[[bytes, bool], bytes]) -> None:
        """Hand what comes out of a pipe to ``take``, which returns what is still incomplete."""
        arrives = select.poll()
        arrives.register(fd, select.POLLIN)
        rest, ended = b"", False
        while not ended:
            arrives.poll()
            self._in_hand[fd] = True
            chunk = os.read(fd, CHUNK_BYTES)
            ended = not chunk
            rest = take(rest + chunk, ended)
            self._in_hand[fd] = False

    def _take_frames(self, text: bytes, ended: bool) -> bytes:  # noqa: ARG002
        """Frames of the telemetry pipe: a type, a length, a time in microseconds, the message."""
        while len(text) >= 16 and len(text) >= 16 + (length := int.from_bytes(text[4:8], "big")):
            micros, message = int.from_bytes(text[8:16], "big"), text[16 : 16 + length]
            self._write_down(message.rstrip(b"\n"), micros // 1_000)
            text = text[16 + length :]
        return text

    def _take_lines(self, text: bytes, ended: bool) -> bytes:
        """What the function prints: one log event a line."""
        *lines, rest = text.split(b"\n")
        for line in [*lines, rest] if ended else lines:
            self._write_down(line.rstrip(b"\r"), time.time_ns() // 1_000_000)
        return rest

    def _write_down(self, message: bytes, timestamp_ms: int) -> None:
        if message:
            self._log(message.decode("utf-8", "replace"), timestamp_ms)
