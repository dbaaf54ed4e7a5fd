"""Runs one command and writes exit code, seconds and peak KiB to a file.

The kernel counts what a process has in memory to its children, from before the child became
another program. This one imports next to nothing, so that little is counted.

    launch.py FILE COMMAND...
"""

import os
import sys
import time

start = time.monotonic()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.monotonic() - start
with open(sys.argv[1], "w") as file:
    file.write(f"{os.waitstatus_to_exitcode(status)} {seconds} {usage.ru_maxrss}\n")
