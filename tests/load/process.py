"""What a process takes of the machine, by what the kernel says of it."""

import os
import time
from pathlib import Path


class Process:
    def __init__(self, number):
        self.folder = Path(f"/proc/{number}")

    def processor(self):
        """Processor seconds so far."""
        fields = (self.folder / "stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Megabytes that are resident."""
        lines = (self.folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))

    def rest(self, seconds):
        """Waits until nothing that follows from the writes is left to do: it hardly runs any more. Its processor seconds by then."""
        until, before = time.monotonic() + seconds, self.processor()
        while time.monotonic() < until:
            time.sleep(0.5)
            now = self.processor()
            if now - before <= 0.03:
                return now
            before = now
        raise AssertionError(f"the host did not come to rest within {seconds} s")
