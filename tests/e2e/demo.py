#!/usr/bin/env python3
"""The demonstration behind ./demo.sh. Also a test: exits 0 only if every statement that it prints held."""
import argparse
import hashlib
import pathlib
import random
import shutil
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from flume_process import Cluster, ROOT, free_ports, http, wait_for  # noqa: E402

FOLDER = ROOT / "build" / "demo"


def say(text=""):
    print(text, flush=True)


def check(true, text):
    say(f"  {'ok ' if true else 'NOT'}  {text}")
    if not true:
        raise SystemExit(f"demo failed: not true: {text}")


def machine_logs():
    """Logs that this machine has anyway. Files are copied first, so that nobody writes to them while they are compared."""
    wanted = ["/var/log/dpkg.log", "/var/log/apt/term.log", "/var/log/apt/history.log", "/var/log/syslog", "/var/log/alternatives.log",
              "/var/log/bootstrap.log"]
    copies = []
    for path in map(pathlib.Path, wanted):
        try:
            if path.stat().st_size > 0:
                copy = FOLDER / "in" / path.name
                shutil.copyfile(path, copy)
                copies.append(copy)
        except OSError:
            continue
    if not copies:
        raise SystemExit("demo failed: no readable log in /var/log")
    return copies


def write_access_log(path, megabytes, seed):
    """Lines as web servers write them, about 200 bytes each."""
    rng = random.Random(seed)
    agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/7.88.1",
              "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"]
    block, size = [], 0
    while size < 4 << 20:
        line = (f'10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)} - - [21/Nov/2026:06:{rng.randrange(60):02d}:'
                f'{rng.randrange(60):02d} +0000] "GET /shop/item/{rng.randrange(10**8)}?ref={rng.randrange(10**6)} HTTP/1.1" '
                f'{rng.choice([200, 200, 200, 304, 404])} {rng.randrange(100, 90000)} "-" "{rng.choice(agents)}"\n')
        block.append(line)
        size += len(line)
    data = "".join(block).encode()
    with open(path, "wb") as out:
        for _ in range(max(1, megabytes * 1_000_000 // len(data))):
            out.write(data)
    return path


def digest(paths):
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            for piece in iter(lambda: f.read(1 << 20), b""):
                total.update(piece)
    return total.hexdigest()


def parts(folder):
    """Finished and growing output files in the order in which they were written."""
    return sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file() and not p.name.endswith(".set_aside"))


def total_size(folder):
    return sum(p.stat().st_size for p in parts(folder)) if pathlib.Path(folder).exists() else 0


def count_lines(path):
    with open(path, "rb") as f:
        return sum(piece.count(b"\n") for piece in iter(lambda: f.read(1 << 20), b""))


class Ticker:
    """Appends a numbered line every two milliseconds: the flow that must not pause."""

    def __init__(self, path):
        self.path = path
        self.lines = 0
        self.stop_flag = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with open(self.path, "ab", buffering=0) as f:
            while not self.stop_flag.wait(0.002):
                self.lines += 1
                f.write(b"tick %010d\n" % self.lines)

    def stop(self):
        self.stop_flag.set()
        self.thread.join()


class Watcher:
    """Notes when the unchanged flow's output grew, and so the longest time it stood still."""

    def __init__(self, folder):
        self.folder = folder
        self.longest = 0.0
        self.stop_flag = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        last, grew = total_size(self.folder), time.monotonic()
        while not self.stop_flag.wait(0.005):
            size, now = total_size(self.folder), time.monotonic()
            self.longest = max(self.longest, now - grew)
            if size != last:
                last, grew = size, now

    def stop(self):
        self.stop_flag.set()
        self.thread.join()
        return self.longest


def pick_http_port():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", 35871))
            return 35871
        except OSError:
            return None


def run(arguments):
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "in").mkdir(parents=True)
    out = FOLDER / "out"
    logs = machine_logs()
    say("logs of this machine: " + ", ".join(f"{p.name} ({p.stat().st_size} bytes)" for p in logs))
    access = write_access_log(FOLDER / "in" / "access.log", arguments.megabytes, 1)
    second = write_access_log(FOLDER / "in" / "second.log", max(1, arguments.megabytes // 10), 2)
    ticks = FOLDER / "in" / "ticks.log"
    ticks.touch()
    say(f"generated {access.name}: {access.stat().st_size / 1e6:.0f} MB\n")

    with Cluster(FOLDER / "state", pick_http_port()) as cluster:
        cluster.start_master()
        cluster.start_node("agent")
        cluster.start_node("collector")
        say(f"master, agent and collector run; the web page is at {cluster.url('/')}")
        wait_for("both nodes", lambda: len([n for n in cluster.api("GET", "/nodes")["physical"] if n["state"] == "ACTIVE"]) == 2)
        ledger_of = move_machine_logs(cluster, logs, out)
        rate = move_access_log(cluster, access, out)
        change_live(cluster, second, ticks, out)
        check_counts(cluster, ledger_of)
        say(f"\nall of it held; {rate:.0f} MB/s from file to loopback to file")
        if arguments.keep:
            cluster.keep = True
            say(f"left running: {cluster.url('/')}  stop with: kill "
                + " ".join(str(p.pid) for p in cluster.processes.values()))


def move_machine_logs(cluster, logs, out):
    say("\n1. the machine's own logs, best effort, one output folder for each file")
    port, = free_ports(1)
    cluster.configure("collector", f"collectorSource({port})",
                      f'collector(60000) {{ escapedFormatDfs("file://{out}/machine/%{{tailSrcFile}}", "part-%{{rolltag}}", raw) }}')
    cluster.wait_state("collector", "ACTIVE")
    names = ", ".join(f'"{p}"' for p in logs)
    cluster.configure("agent", f"multitail({names})", f'agentBESink("127.0.0.1", {port})')
    cluster.wait_state("agent", "ACTIVE")
    for path in logs:
        folder = out / "machine" / path.name
        wait_for(f"{path.name} to arrive", lambda: total_size(folder) >= path.stat().st_size)
        check(digest(parts(folder)) == digest([path]), f"{path.name}: output is byte-identical to the input")
    return {"agent": sum(count_lines(p) for p in logs)}


def move_access_log(cluster, access, out):
    say("\n2. a big file at full speed, on nodes of its own")
    port, = free_ports(1)
    cluster.command("map", "agent", "access")
    cluster.command("map", "collector", "store")
    cluster.configure("store", f"collectorSource({port})", f'formatDfs("file://{out}/access/part", raw)')
    cluster.wait_state("store", "ACTIVE")
    size = access.stat().st_size
    started = time.monotonic()
    cluster.configure("access", f'tail("{access}")', f'agentBESink("127.0.0.1", {port})')
    wait_for("the access log to arrive", lambda: total_size(out / "access") >= size, 120, 0.005)
    seconds = time.monotonic() - started
    check(digest(parts(out / "access")) == digest([access]), f"{size / 1e6:.0f} MB are byte-identical at the other end")
    say(f"  {seconds:.2f} s from the command to the last byte: {size / 1e6 / seconds:.0f} MB/s")
    return size / 1e6 / seconds


def change_live(cluster, second, ticks, out):
    say("\n3. one flow is changed (another file, another format, another bucketing), another goes on")
    port, = free_ports(1)
    cluster.command("map", "agent", "ticks")
    cluster.command("map", "collector", "ticksStore")
    cluster.configure("ticksStore", f"collectorSource({port})", f'formatDfs("file://{out}/ticks/part", raw)')
    cluster.wait_state("ticksStore", "ACTIVE")
    ticker = Ticker(ticks)
    cluster.configure("ticks", f'tail("{ticks}")', f'agentBESink("127.0.0.1", {port})')
    wait_for("the first ticks", lambda: total_size(out / "ticks") > 0)

    watcher = Watcher(out / "ticks")
    access_port, = free_ports(1)
    started = time.monotonic()
    cluster.configure("store", f"collectorSource({access_port})",
                      f'collector(60000) {{ escapedFormatDfs("file://{out}/by-hour/%{{host}}/%Y-%m-%d/%H", "f-%{{rolltag}}", json) }}')
    cluster.wait_state("store", "ACTIVE")
    changed = cluster.configure("access", f'tail("{second}")', f'agentBESink("127.0.0.1", {access_port})')
    cluster.wait_state("access", "ACTIVE")
    say(f"  both ends of the flow were changed in {time.monotonic() - started:.2f} s (revision {changed['revision']})")
    lines = count_lines(second)
    wait_for("the second file to arrive as JSON", lambda: sum(count_lines(p) for p in parts(out / "by-hour")) >= lines, 60)
    got = sum(count_lines(p) for p in parts(out / "by-hour"))
    check(got == lines, f"{lines} lines in, {got} JSON lines out, in {parts(out / 'by-hour')[0].parent.relative_to(out)}")
    longest = watcher.stop()
    ticker.stop()
    wait_for("the last tick", lambda: total_size(out / "ticks") >= ticks.stat().st_size)
    check(digest(parts(out / "ticks")) == digest([ticks]), f"the unchanged flow lost nothing: {ticker.lines} numbered lines, byte-identical")
    check(longest < 1.0, f"and did not pause: its output never stood still for more than {longest * 1000:.0f} ms")


def check_counts(cluster, expected):
    say("\n4. the ledger: read = delivered")

    def settled():
        flows = cluster.api("GET", "/ledger")["flows"]
        return all(f["ledger"]["in_flight"]["events"] + f["ledger"]["held"]["events"] == 0 for f in flows) and flows

    flows = wait_for("nothing to be in flight", settled, 60)
    for flow in flows:
        for node in flow["nodes"]:
            ledger = node["ledger"]
            read, delivered = ledger["read"]["events"], ledger["delivered"]["events"]
            check(ledger["balanced"] and read == delivered and ledger["dropped"]["events"] == 0,
                  f"{node['name']}: {read} read = {delivered} delivered, 0 dropped")
            if node["name"] in expected:
                check(read == expected[node["name"]], f"{node['name']}: exactly the {read} lines that the files hold")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the generated access log")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
