"""What the benchmarks share: processes with their resource use, free ports, medians, files of equal lines."""
import argparse
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Changes:
    """Waits until a file is written to. It sleeps meanwhile: a loop that asks again and again would take one of two cores from
    the program it measures."""

    IN_MODIFY = 2

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(path), self.IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), f"watch {path}")

    def wait(self):
        os.read(self.fd, 65536)

    def close(self):
        os.close(self.fd)


def flume_binary():
    path = os.environ.get("FLUME_BINARY", str(ROOT / "build" / "release" / "flume"))
    if not os.access(path, os.X_OK):
        raise SystemExit(f"no program at {path}: build it with: cmake --preset release && cmake --build --preset release")
    return path


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def write_lines(path, megabytes, width=203):
    """Lines of `width` bytes with their newline, printable and not compressible to nothing, the same at each call."""
    generator = random.Random(1)
    alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789 /.:-"
    block = bytearray()
    for _ in range(5000):
        block += bytes(generator.choices(alphabet, k=width - 1)) + b"\n"
    total = megabytes * 1_000_000 // width * width
    with open(path, "wb") as f:
        written = 0
        while written < total:
            piece = block[: total - written]
            f.write(piece)
            written += len(piece)
    return total


def warm(path):
    with open(path, "rb", buffering=0) as f:
        while f.read(1 << 20):
            pass


def listening(port):
    """Whether somebody listens there, without connecting."""
    rows = [line.split() for table in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def wait_for(what, predicate, seconds=60, pause=0.001):
    end = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s for {what}")
        if pause:
            time.sleep(pause)


def size_of(folder):
    """Bytes of all files below the folder; one may be renamed while we look."""
    total = 0
    for name in pathlib.Path(folder).rglob("*"):
        try:
            if name.is_file():
                total += name.stat().st_size
        except FileNotFoundError:
            return -1
    return total


class Process:
    running = []  # so that a benchmark that fails leaves none behind

    def __init__(self, *command, log, **options):
        self.log = open(log, "wb")
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=options.pop("stdout", self.log), stderr=self.log, **options)
        self.pid = self.process.pid
        Process.running.append(self)
        self.usage = None

    def status(self, field):
        """A field of /proc/PID/status in bytes."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(field)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait(self):
        """Waits for its end and keeps what it used."""
        _, status, self.usage = os.wait4(self.pid, 0)
        Process.running.remove(self)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.log.close()
        return self.process.returncode

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def cpu_used(self):
        return self.usage.ru_utime + self.usage.ru_stime


def spread(values):
    """Median with the smallest and largest value."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def run_one(doc, benchmarks, numbers, folder):
    """The command line: one of `benchmarks` by name, called with the options and a new folder, which is removed; it answers figures
    and whether the output was right. `numbers` are the options with their defaults. Answers the exit code."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=list(benchmarks))
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", default=folder)
    parser.add_argument("--json")
    options = parser.parse_args()
    place = pathlib.Path(tempfile.mkdtemp(prefix="flume-bench-", dir=options.folder))
    try:
        figures, good = benchmarks[options.what](options, place)
    except RuntimeError as error:
        for log in sorted(place.glob("*.log")):
            if log.name in ("agent.log", "collector.log"):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
        raise SystemExit(str(error)) from error
    finally:
        for process in list(Process.running):
            process.process.kill()
            process.wait()
        shutil.rmtree(place, ignore_errors=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if good else 1
