"""Runs a command in a terminal of its own, which is gone when this process is."""

import os
import pty
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while chunk := os.read(terminal, 65536):
        os.write(1, chunk)
except OSError:
    pass  # The last one that had the terminal open is gone.
