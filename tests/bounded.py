#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bounded - runs a command that comes to an end: in its time, and with all that it started.

usage: tests/bounded.py [-c] SECONDS LOG COMMAND...

The command has a session of its own, nothing to read, and the file LOG for what it says; that is printed here as it comes
(-c: but for lines 'N passed, N failed, N skipped'). No pipe leads to it, so nothing that it leaves behind can keep one open.
When it ends, or when the time is up, all that it started is killed, even what went to another session: such orphans become
children of this process, not of init; and the end of this process's parent is the end of all. Exit code: the command's; 124 when it was stopped.
"""
import ctypes, os, re, signal, subprocess, sys, tempfile, time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
GRACE = 3  # seconds between "please" and "now"
STOPPED = 124
SUM = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped\s*$')


def below(root):
    """{process: name} of all that descends from `root` and is not dead yet."""
    parent, name = {}, {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat', errors='replace') as f:
                head, _, tail = f.read().rpartition(')')
        except OSError:
            continue
        fields = tail.split()
        parent[int(pid)] = int(fields[1])
        if fields[0] not in 'ZX':
            name[int(pid)] = head.partition('(')[2]
    found, fresh = set(), {root}
    while fresh:
        fresh = {p for p, up in parent.items() if up in fresh} - found
        found |= fresh
    return {p: name[p] for p in found if p in name}


def sweep():
    """Kills what is left below this process and takes leave of it; the names of what there was."""
    seen, end = {}, time.monotonic() + 5
    while time.monotonic() < end:
        left = below(os.getpid())
        seen.update(left)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if not left:
            break
        time.sleep(.02)
    return sorted(seen.values())


def stop(process):
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(GRACE)
            return
        except (OSError, subprocess.TimeoutExpired):
            pass


def follow(process, log, seconds, say):
    """Gives `say` each line of the log as it comes; False when the time was up first."""
    end, rest, in_time = time.monotonic() + seconds, '', True
    while True:
        try:
            process.wait(.1)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        if not ended and time.monotonic() > end:
            stop(process)
            ended, in_time = True, False
        lines = (rest + log.read()).split('\n')
        rest = lines.pop()
        for line in lines:
            say(line)
        if ended:
            if rest:
                say(rest)
            return in_time


def run(command, seconds, say, log=None, env=None):
    """The command's exit code, or STOPPED; `say` gets its output, a line at a time. One at a time in a process."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with (open(log, 'w+b') if log else tempfile.TemporaryFile()) as out:
        fd = os.open(f'/proc/self/fd/{out.fileno()}', os.O_RDONLY)  # a place in the file of its own
        with open(fd, errors='replace', newline='\n') as text:
            try:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                           env={'PYTHONUNBUFFERED': '1', **(os.environ if env is None else env)})
            except OSError as e:
                say(f'{command[0]}: {e.strerror}')
                return 127
            try:
                in_time = follow(process, text, seconds, say)
            finally:
                left = sweep()
        if not in_time:
            say(f'stopped after {seconds:.0f} s, with all below it: {" ".join(map(str, command))[:200]}')
            return STOPPED
        if left:
            say(f'note: left behind and killed: {", ".join(left)[:200]}')
        return process.returncode if process.returncode >= 0 else 128 - process.returncode


def main():
    arguments = sys.argv[1:]
    uncounted = arguments[:1] == ['-c']
    arguments = arguments[uncounted:]
    if len(arguments) < 3:
        sys.exit(__doc__)
    for sign in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(sign, lambda number, _: sys.exit(128 + number))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def say(line):
        if not (uncounted and SUM.match(line)):
            print(line, flush=True)
    sys.exit(run(arguments[2:], float(arguments[0]), say, log=arguments[1]))


if __name__ == '__main__':
    main()
