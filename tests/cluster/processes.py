"""Programs that tests start and that never outlive them."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_WITHIN = 10.0
LOG_TAIL_CHARACTERS = 2000


class Program:
    """One program with its own process group and log.

    Where Linux' `setpriv` is, the kernel kills it when the thread that started it ends, however
    that comes: start it on the main thread.
    """

    def __init__(
        self,
        arguments: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.arguments = [str(argument) for argument in arguments]
        self.log = log
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        assert not self.running, f"{self.arguments[0]} runs already"
        setpriv = shutil.which("setpriv")
        guard = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*guard, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                cwd=self.log.parent,
                env=self.environment,
            )

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to what is left after ten seconds."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def ask_to_stop(self) -> None:
        """SIGTERM, and nothing more."""
        self._signal(signal.SIGTERM)

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and before it was started."""
        return self._process.poll() if self._process is not None else None

    def freeze(self) -> None:
        """Let it neither work nor end: peers see an open connection and silence."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            assert self._process is not None
            os.killpg(self._process.pid, number)
