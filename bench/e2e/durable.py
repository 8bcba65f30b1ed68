#!/usr/bin/env python3
"""Speed of flows that promise something, on a real disk, with verified output.

    durable.py throughput [--megabytes 1000] [--rounds 5]   end to end beside best effort, socat and the disk itself, in turns
    durable.py spool [--megabytes 1000] [--rounds 3]        store on failure: into the log while the collector is away, and out of it
    durable.py latency [--lines 100000] [--rate 10000]      end to end, one line at a time: from its write to its acknowledgement
    durable.py recovery [--megabytes 10000]                 an agent that starts with so much in its log
    durable.py syncs [--megabytes 1000] [--rounds 3]        what the syncs of agent and collector cost, by leaving them out

--folder says where all files lie, so which disk takes part (default: the folder for temporary files); --json FILE keeps the figures.
"""
import filecmp
import json
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection

from processes import Process, flume_binary, free_ports, listening, percentile, run_one, size_of, spread, wait_for, warm, write_lines
from run import run_socat

GROUP = 4 << 20  # flume.wal.group.bytes: what a log syncs together


def node(folder, name, flow, *settings, http=0, preload=None):
    options = {"env": {**os.environ, "LD_PRELOAD": str(preload)}} if preload else {}
    more = [f"-Dflume.node.status.port={http}"] if http else ["-s"]
    return Process(flume_binary(), "node_nowatch", "-1", *more, "-n", name, "-c", flow, f"-Dflume.agent.logdir={folder}/state",
                   *settings, log=folder / f"{name}.log", **options)


def collector(folder, out, port, preload=None):
    process = node(folder, "collector", f'collector: collectorSource({port}) | formatDfs("file://{out}/part", raw);', preload=preload)
    wait_for("the collector to listen", lambda: listening(port))
    return process


def end(process):
    """Stops it and answers what CPU time it took; files under their final names are the result."""
    process.stop()
    return process.cpu_used()


def is_copy(out, data):
    """One file with the bytes of `data`, in their order."""
    files = sorted(p for p in out.rglob("*") if p.is_file())
    return len(files) == 1 and filecmp.cmp(files[0], data, shallow=False)


def disk_rate(folder, total):
    """MB/s of a plain loop of write and fdatasync with the commit size of the log."""
    place = folder / "disk"
    block = os.urandom(GROUP)
    file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    begin = time.monotonic()
    for _ in range(max(1, total // GROUP)):
        os.write(file, block)
        os.fdatasync(file)
    seconds = time.monotonic() - begin
    os.close(file)
    place.unlink()
    return max(1, total // GROUP) * GROUP / seconds / 1e6


def run_flow(folder, data, total, sink, preload_agent=None, preload_collector=None):
    """A whole flow over one file; its end is when the agent has nothing left to be confirmed and the store has all bytes."""
    shutil.rmtree(folder / "state", ignore_errors=True)
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    port, = free_ports(1)
    place = folder / "tailed.log"
    place.unlink(missing_ok=True)
    far = collector(folder, out, port, preload_collector)
    near = node(folder, "agent", f'agent: tail("{place}") | {sink}("127.0.0.1", {port});', preload=preload_agent)
    time.sleep(0.5)
    before = far.cpu_seconds() + near.cpu_seconds()
    begin = time.monotonic()
    os.link(data, place)
    wait_for("all bytes", lambda: size_of(out) >= total, seconds=600, pause=0.005)
    seconds = time.monotonic() - begin
    memory = {"agent": near.status("VmHWM"), "collector": far.status("VmHWM")}
    cpu = end(near) + end(far) - before
    return {"mb_per_s": total / seconds / 1e6, "cpu": cpu / (total / 1e9), "memory": memory, "identical": is_copy(out, data)}


def throughput(options, folder):
    data = folder / "data.log"
    total = write_lines(data, options.megabytes or 1000)
    rounds = {"disk": [], "socat": [], "best effort": [], "end to end": []}
    good = True
    for _ in range(options.rounds or 5):
        warm(data)
        rounds["disk"].append({"mb_per_s": disk_rate(folder, total)})
        piped = run_socat(folder, data, total)
        rounds["socat"].append({"mb_per_s": total / piped["seconds"] / 1e6, "cpu": piped["cpu"] / (total / 1e9)})
        rounds["best effort"].append(run_flow(folder, data, total, "agentBESink"))
        rounds["end to end"].append(run_flow(folder, data, total, "agentSink"))
        good = good and all(rounds[way][-1]["identical"] for way in ("best effort", "end to end"))
        (folder / "socat-out").unlink(missing_ok=True)
    figures = {"bytes": total}
    print(f"{'':12} {'MB/s':>8} {'min':>8} {'max':>8} {'CPU s/GB':>9}")
    for way, runs in rounds.items():
        figures[way] = {"mb_per_s": spread([run["mb_per_s"] for run in runs])}
        cpu = ""
        if "cpu" in runs[0]:
            figures[way]["cpu_s_per_gb"] = spread([run["cpu"] for run in runs])
            cpu = f"{figures[way]['cpu_s_per_gb']['median']:9.2f}"
        speed = figures[way]["mb_per_s"]
        print(f"{way:12} {speed['median']:8.0f} {speed['min']:8.0f} {speed['max']:8.0f} {cpu}")
    for what, other, factor in (("half of the disk", "disk", 2), ("socat", "socat", 1), ("best effort", "best effort", 1)):
        pairs = [factor * a["mb_per_s"] / b["mb_per_s"] for a, b in zip(rounds["end to end"], rounds[other])]
        figures[f"end to end / {what}"] = spread(pairs)
        print(f"end to end / {what}: median of rounds {spread(pairs)['median']:.2f} ({min(pairs):.2f} to {max(pairs):.2f})")
    figures["peak_rss"] = {part: max(run["memory"][part] for run in rounds["end to end"]) for part in ("agent", "collector")}
    print(f"peak RSS end to end: agent {figures['peak_rss']['agent'] / 2**20:.1f} MiB, "
          f"collector {figures['peak_rss']['collector'] / 2**20:.1f} MiB; output {'identical' if good else 'DIFFERS'}")
    return figures, good


def syncs(options, folder):
    data = folder / "data.log"
    total = write_lines(data, options.megabytes or 1000)
    library = folder / "no_sync.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, pathlib.Path(__file__).with_name("no_sync.c")], check=True)
    ways = {"both sync": (None, None), "not the agent": (library, None), "not the collector": (None, library),
            "neither": (library, library)}
    rounds = {way: [] for way in ways}
    for _ in range(options.rounds or 3):
        for way, (agent, far) in ways.items():
            warm(data)
            rounds[way].append(run_flow(folder, data, total, "agentSink", agent, far))
    good = all(run["identical"] for runs in rounds.values() for run in runs)
    figures = {"bytes": total}
    print(f"{'':18} {'MB/s':>8} {'min':>8} {'max':>8} {'CPU s/GB':>9}")
    for way, runs in rounds.items():
        speed = spread([run["mb_per_s"] for run in runs])
        cpu = spread([run["cpu"] for run in runs])
        figures[way] = {"mb_per_s": speed, "cpu_s_per_gb": cpu}
        print(f"{way:18} {speed['median']:8.0f} {speed['min']:8.0f} {speed['max']:8.0f} {cpu['median']:9.2f}")
    print(f"output {'identical' if good else 'DIFFERS'}")
    return figures, good


def log_bytes(folder):
    return size_of(folder / "state" / "agent" / "agent" / "dfo") if (folder / "state" / "agent" / "agent" / "dfo").is_dir() else 0


def spool(options, folder):
    data = folder / "data.log"
    total = write_lines(data, options.megabytes or 1000)
    runs = []
    for _ in range(options.rounds or 3):
        shutil.rmtree(folder / "state", ignore_errors=True)
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        warm(data)
        disk = disk_rate(folder, total)
        piped = run_socat(folder, data, total)
        (folder / "socat-out").unlink(missing_ok=True)
        port, = free_ports(1)
        place = folder / "tailed.log"
        place.unlink(missing_ok=True)
        near = node(folder, "agent", f'agent: tail("{place}") | agentDFOSink("127.0.0.1", {port});')
        time.sleep(1)
        begin = time.monotonic()
        os.link(data, place)
        wait_for("all bytes in the log", lambda: log_bytes(folder) >= total, seconds=600, pause=0.005)
        spooled = time.monotonic() - begin
        far = collector(folder, out, port)
        begin = time.monotonic()
        first = None
        while size_of(out) < total:
            if first is None and size_of(out) > 0:
                first = time.monotonic()  # the pause before the next connection is not the drain's
            if time.monotonic() - begin > 600:
                raise RuntimeError("waited 600 s for the log to be sent")
            time.sleep(0.005)
        drained = time.monotonic() - (first or begin)
        end(near)
        end(far)
        runs.append({"spool": total / spooled / 1e6, "drain": total / drained / 1e6, "disk": disk,
                     "socat": total / piped["seconds"] / 1e6, "identical": is_copy(out, data)})
    good = all(run["identical"] for run in runs)
    figures = {"bytes": total, "runs": runs, "spool_to_disk": spread([run["spool"] / run["disk"] for run in runs]),
               "drain_to_socat": spread([run["drain"] / run["socat"] for run in runs])}
    for run in runs:
        print(f"disk {run['disk']:.0f} MB/s, into the log {run['spool']:.0f} MB/s; socat {run['socat']:.0f} MB/s, "
              f"out of the log {run['drain']:.0f} MB/s")
    print(f"into the log / disk: median {figures['spool_to_disk']['median']:.2f}; "
          f"out of the log / socat: median {figures['drain_to_socat']['median']:.2f}; output {'identical' if good else 'DIFFERS'}")
    return figures, good


def serial_syncs(folder, pairs=500):
    """p99 in ms of two writes of one line, each synced, one after the other: what a disk takes at both ends at least."""
    file = os.open(folder / "syncs", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    took = []
    for _ in range(pairs):
        begin = time.perf_counter()
        for _ in range(2):
            for _ in range(2):  # the data, then the record of the journal
                os.write(file, b"x" * 203)
                os.fdatasync(file)
        took.append((time.perf_counter() - begin) * 1000)
    os.close(file)
    return percentile(took, 99)


def acknowledged(page):
    """Rows of the agent's log that the far end has confirmed."""
    page.request("GET", "/api/v1/logical/agent")
    return sum(log["ack"]["events"] for log in json.loads(page.getresponse().read())["logs"])


def write_at_a_rate(place, rate, written):
    """Lines of 200 bytes, one write each; `written` is when each began."""
    line = b"x" * 199 + b"\n"
    with open(place, "ab", buffering=0) as log:
        begin = time.perf_counter()
        for count in range(len(written)):
            if (wait := begin + count / rate - time.perf_counter()) > 0:
                time.sleep(wait)
            written[count] = time.perf_counter()
            log.write(line)


def latency(options, folder):
    out = folder / "out"
    out.mkdir()
    port, http = free_ports(2)
    place = folder / "tailed.log"
    place.write_bytes(b"")
    before = serial_syncs(folder)
    far = collector(folder, out, port)
    near = node(folder, "agent", f'agent: tail("{place}") | agentSink("127.0.0.1", {port});', http=http)
    wait_for("the agent's page", lambda: listening(http))
    page = HTTPConnection("127.0.0.1", http, timeout=20)  # kept: connecting takes longer than what is measured
    written = multiprocessing.RawArray("d", options.lines)
    # A process of its own: as a thread it would wait for this one's interpreter, and this one for it.
    writer = multiprocessing.Process(target=write_at_a_rate, args=(place, options.rate, written))
    writer.start()
    took, known = [], 0
    while known < options.lines:
        time.sleep(0.0005)
        now_known = acknowledged(page)  # asked after it was so: what is measured is never too short
        now = time.perf_counter()
        took.extend((now - written[i]) * 1000 for i in range(known, now_known))
        known = now_known
    writer.join()
    end(near)
    end(far)
    after = serial_syncs(folder)
    figures = {"lines": len(took), "p50_ms": percentile(took, 50), "p99_ms": percentile(took, 99), "max_ms": max(took),
               "serial_syncs_p99_ms": [before, after]}
    print(f"{options.rate} lines/s: from write to acknowledgement p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms, "
          f"max {figures['max_ms']:.2f} ms; two serial pairs of fdatasync, p99 before {before:.2f} ms and after {after:.2f} ms")
    return figures, len(took) == options.lines


def is_synth(out, lines):
    """One file with the rows that synth(lines, 200) makes, each with a newline, in their order."""
    files = sorted(p for p in out.rglob("*") if p.is_file())
    if len(files) != 1:
        return False
    made = subprocess.Popen([flume_binary(), "dump", f"synth({lines}, 200)", "raw"], stdout=subprocess.PIPE)
    with open(files[0], "rb") as stored, made.stdout as wanted:
        while True:
            block = wanted.read(1 << 20)
            if stored.read(len(block) or 1) != block:
                return False
            if not block:
                return made.wait() == 0


def recovery(options, folder):
    megabytes = options.megabytes or 10_000
    lines = megabytes * 1_000_000 // 200
    port, = free_ports(1)
    out = folder / "out"
    out.mkdir()
    room = f"-Dflume.wal.max.bytes={megabytes * 2_000_000}"
    sink = f'agentSink("127.0.0.1", {port})'
    begin = time.monotonic()
    near = node(folder, "agent", f"agent: synth({lines}, 200) | {sink};", room)
    near.wait()  # its source has ended, its log can be sent nowhere
    filled = time.monotonic() - begin
    far = collector(folder, out, port)
    begin = time.monotonic()
    quiet = folder / "quiet.log"  # a source that does not end: a node whose sources have ended stops after a while
    quiet.write_bytes(b"")
    near = node(folder, "agent", f'agent: tail("{quiet}") | {sink};', room)
    wait_for("the first bytes", lambda: size_of(out) > 0, seconds=120, pause=0.001)
    first = time.monotonic() - begin
    wait_for("the rest", lambda: size_of(out) >= lines * 201, seconds=900, pause=0.05)
    rest = time.monotonic() - begin
    rss = near.status("VmHWM")
    end(near)
    end(far)
    good = is_synth(out, lines)
    figures = {"bytes": lines * 200, "filled_s": filled, "first_byte_s": first, "all_s": rest, "rss": rss}
    print(f"{lines * 200 / 1e9:.1f} GB in the log: the first bytes are stored {first:.2f} s after the start, all after {rest:.1f} s; "
          f"peak RSS of the agent {rss / 2**20:.1f} MiB; rows {'complete' if good else 'DIFFER'}")
    return figures, good


if __name__ == "__main__":
    sys.exit(run_one(__doc__, {"throughput": throughput, "spool": spool, "latency": latency, "recovery": recovery, "syncs": syncs},
                     {"megabytes": None, "rounds": None, "lines": 100_000, "rate": 10_000}, tempfile.gettempdir()))
