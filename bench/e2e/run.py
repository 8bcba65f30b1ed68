#!/usr/bin/env python3
"""Speed and memory of whole pipelines over loopback, with verified output.

    run.py throughput [--megabytes 1000] [--rounds 5]   flume beside socat and cat | nc, on the same file, in turns
    run.py latency [--lines 2000]                        from the write of one line to its arrival in the store
    run.py idle [--seconds 10]                           an idle node: CPU, memory, and how long a start takes
    run.py control [--nodes 100] [--changes 200]         from a change at the master's API to the node that runs it
    run.py pause [--lines 2000] [--changes 200]          one line at a time while another flow of the same process is changed

--folder says where the files lie (default: /dev/shm, so that no disk takes part); --json FILE keeps the figures.
"""
import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

from processes import Changes, Process, flume_binary, free_ports, listening, percentile, run_one, size_of, spread, wait_for, warm, write_lines


def nodes(folder, log_file, out, port):
    """A collector that writes raw files and an agent that tails `log_file`, both ready."""
    state = f"-Dflume.agent.logdir={folder}/state"
    flows = {"collector": f'collector: collectorSource({port}) | formatDfs("file://{out}/part", raw);',
             "agent": f'agent: tail("{log_file}") | agentBESink("127.0.0.1", {port});'}
    started = []
    for name in ("collector", "agent"):
        started.append(Process(flume_binary(), "node_nowatch", "-1", "-s", "-n", name, "-c", flows[name],
                               state, log=folder / f"{name}.log"))
        if name == "collector":
            wait_for("the collector to listen", lambda: listening(port))
    return started


def run_flume(folder, data, total):
    out = folder / "flume-out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    port, = free_ports(1)
    place = folder / "tailed.log"
    place.unlink(missing_ok=True)
    collector, agent = nodes(folder, place, out, port)
    time.sleep(0.5)
    before = collector.cpu_seconds() + agent.cpu_seconds()
    begin = time.monotonic()
    os.link(data, place)
    wait_for("all bytes", lambda: size_of(out) == total, seconds=300, pause=0.005)
    seconds = time.monotonic() - begin
    memory = {"agent": agent.status("VmHWM"), "collector": collector.status("VmHWM")}
    agent.stop()
    collector.stop()
    cpu = agent.cpu_used() + collector.cpu_used() - before
    place.unlink()
    files = sorted(p for p in out.rglob("*") if p.is_file())
    identical = len(files) == 1 and filecmp.cmp(files[0], data, shallow=False)
    shutil.rmtree(folder / "state", ignore_errors=True)
    return {"seconds": seconds, "cpu": cpu, "memory": memory, "identical": identical}


def run_pair(folder, data, receiver, sender, port, out):
    with open(out, "wb") as sink:
        far = Process(*receiver, log=folder / "far.log", stdout=sink)
        wait_for("the receiver to listen", lambda: listening(port))
        begin = time.monotonic()
        near = Process(*sender, log=folder / "near.log")
        near.wait()
        far.wait()
    seconds = time.monotonic() - begin
    return {"seconds": seconds, "cpu": near.cpu_used() + far.cpu_used(), "identical": filecmp.cmp(out, data, shallow=False)}


def run_socat(folder, data, _total):
    port, = free_ports(1)
    out = folder / "socat-out"
    return run_pair(folder, data, ["socat", "-u", "-b262144", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", "STDOUT"],
                    ["socat", "-u", "-b262144", f"FILE:{data}", f"TCP:127.0.0.1:{port}"], port, out)


def run_netcat(folder, data, _total):
    port, = free_ports(1)
    out = folder / "nc-out"
    return run_pair(folder, data, ["nc", "-l", "127.0.0.1", str(port)],
                    ["sh", "-c", f"cat '{data}' | nc -N 127.0.0.1 {port}"], port, out)


def throughput(options, folder):
    data = folder / "data.log"
    total = write_lines(data, options.megabytes)
    warm(data)
    ways = {"socat": run_socat, "cat | nc": run_netcat, "flume": run_flume}
    results = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, run in ways.items():
            results[way].append(run(folder, data, total))
    figures = {"bytes": total, "congestion_control": pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()}
    print(f"{'':10} {'MB/s':>8} {'min':>8} {'max':>8} {'CPU s/GB':>9}  output")
    for way, runs in results.items():
        speed = spread([total / run["seconds"] / 1e6 for run in runs])
        cpu = spread([run["cpu"] / (total / 1e9) for run in runs])
        identical = all(run["identical"] for run in runs)
        figures[way] = {"mb_per_s": speed, "cpu_s_per_gb": cpu, "identical": identical}
        print(f"{way:10} {speed['median']:8.0f} {speed['min']:8.0f} {speed['max']:8.0f} {cpu['median']:9.2f}  "
              f"{'identical' if identical else 'DIFFERS'}")
    figures["ratio_to_socat"] = figures["flume"]["mb_per_s"]["median"] / figures["socat"]["mb_per_s"]["median"]
    figures["ratio_of_best"] = figures["flume"]["mb_per_s"]["max"] / figures["socat"]["mb_per_s"]["max"]
    figures["peak_rss"] = {part: max(run["memory"][part] for run in results["flume"]) for part in ("agent", "collector")}
    print(f"flume / socat: {figures['ratio_to_socat']:.2f} (medians), {figures['ratio_of_best']:.2f} (best rounds); lowest CPU s/GB: "
          f"socat {figures['socat']['cpu_s_per_gb']['min']:.2f}, flume {figures['flume']['cpu_s_per_gb']['min']:.2f}")
    print(f"peak RSS: agent {figures['peak_rss']['agent'] / 2**20:.1f} MiB, "
          f"collector {figures['peak_rss']['collector'] / 2**20:.1f} MiB")
    return figures, all(run["identical"] for runs in results.values() for run in runs)


def lines_take(log, file, gap, goes_on):
    """Milliseconds from the write of each line, `gap` seconds after the one before, to its arrival in the file, as long as
    `goes_on` says of the number of lines so far."""
    line = b"x" * 202 + b"\n"
    took = []
    size = os.stat(file).st_size
    changes = Changes(file)
    while goes_on(len(took)):
        time.sleep(gap)
        size += len(line)
        begin = time.perf_counter()
        log.write(line)
        while os.stat(file).st_size < size:
            changes.wait()
        took.append((time.perf_counter() - begin) * 1000)
    changes.close()
    return {"lines": len(took), "p50_ms": percentile(took, 50), "p99_ms": percentile(took, 99), "max_ms": max(took)}


def show_lines(name, figures):
    print(f"{name}: p50 {figures['p50_ms']:.3f} ms, p99 {figures['p99_ms']:.3f} ms, max {figures['max_ms']:.3f} ms")


def latency(options, folder):
    port, = free_ports(1)
    out = folder / "out"
    out.mkdir()
    place = folder / "tailed.log"
    line = b"x" * 202 + b"\n"
    with open(place, "ab", buffering=0) as log:
        collector, agent = nodes(folder, place, out, port)
        log.write(line)
        wait_for("the first line", lambda: size_of(out) == len(line))
        file = next(p for p in out.rglob("*") if p.is_file())
        figures = lines_take(log, file, 0.002, lambda lines: lines < options.lines)
        agent.stop()
        collector.stop()
    show_lines("one line", figures)
    return figures, True


def idle(options, folder):
    starts = []
    for _ in range(10):
        begin = time.perf_counter()
        subprocess.run([flume_binary(), "node_nowatch", "-1", "-s", "-n", "x", "-c", "x: null | null;",
                        f"-Dflume.agent.logdir={folder}/state"], check=True, capture_output=True, timeout=60)
        starts.append((time.perf_counter() - begin) * 1000)
    log_file = folder / "tailed.log"
    log_file.write_bytes(b"one line\n")
    out = folder / "out"
    out.mkdir()
    port, = free_ports(1)
    figures = {"start_ms": spread(starts)}
    processes = dict(zip(("collector", "agent"), nodes(folder, log_file, out, port)))
    time.sleep(2)
    for name, process in processes.items():
        before = process.cpu_seconds()
        time.sleep(options.seconds)
        figures[name] = {"cpu_percent": (process.cpu_seconds() - before) / options.seconds * 100,
                         "rss": process.status("VmRSS"), "rss_anon": process.status("RssAnon")}
        print(f"idle {name}: {figures[name]['cpu_percent']:.2f} % CPU, RSS {figures[name]['rss'] / 2**20:.1f} MiB, "
              f"private {figures[name]['rss_anon'] / 2**20:.1f} MiB")
    for process in processes.values():
        process.stop()
    print(f"start, one round of nothing and end: median {figures['start_ms']['median']:.0f} ms")
    return figures, True


def api(port, method, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode(),
                                     headers={"X-Flume": "1", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def start_master(folder):
    """A master, the port of its API, and the settings for nodes that belong to it."""
    http, rpc, admin = free_ports(3)
    settings = [f"-Dflume.master.http.port={http}", f"-Dflume.master.heartbeat.port={rpc}", f"-Dflume.config.admin.port={admin}",
                f"-Dflume.master.store.dir={folder}/master", f"-Dflume.agent.logdir={folder}/state",
                "-Dflume.master.servers=127.0.0.1", "-Dflume.log.level=error"]
    master = Process(flume_binary(), "master_nowatch", *settings, log=folder / "master.log")
    wait_for("the master", lambda: listening(http))
    return master, http, settings


def control(options, folder):
    master, http, settings = start_master(folder)
    nodes = [Process(flume_binary(), "node_nowatch", "-s", "-n", f"node{i}", *settings, log=folder / "agent.log")
             for i in range(options.nodes)]
    wait_for("all nodes", lambda: len(api(http, "GET", "/nodes")["physical"]) == options.nodes, seconds=120, pause=0.2)
    took = []
    for change in range(options.changes):
        # The node opens the file it is told to follow, so the file's access shows when the change runs, not when it is reported.
        name, mark = f"node{change % options.nodes}", folder / f"mark{change}"
        begin = time.perf_counter()
        api(http, "PUT", f"/configs/{name}", {"source": "null", "sink": f'text("{mark}")'})
        wait_for(f"change {change} at {name}", lambda: mark.exists() or pathlib.Path(f"{mark}.tmp").exists(), pause=0.0002)
        took.append((time.perf_counter() - begin) * 1000)
    for process in [*nodes, master]:
        process.stop()
    figures = {"nodes": options.nodes, "changes": len(took), "p50_ms": percentile(took, 50), "p99_ms": percentile(took, 99),
               "max_ms": max(took)}
    print(f"{options.nodes} nodes: a change runs after p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms, "
          f"max {figures['max_ms']:.1f} ms")
    return figures, True


def pause(options, folder):
    master, http, settings = start_master(folder)
    node = Process(flume_binary(), "node_nowatch", "-s", "-n", "host", *settings, log=folder / "agent.log")
    wait_for("the node", lambda: len(api(http, "GET", "/nodes")["physical"]) == 1, pause=0.05)
    place, out = folder / "tailed.log", folder / "out"
    out.mkdir()
    place.write_bytes(b"")
    for name in ("steady", "changing"):
        api(http, "POST", "/commands", {"command": "map", "args": ["host", name], "wait_ms": 5000})
    api(http, "PUT", "/configs/steady", {"source": f'tail("{place}")', "sink": f'formatDfs("file://{out}/part", raw)'})

    def change():
        for count in range(options.changes):
            kind = ('counter("n")', "null", f'formatDfs("file://{folder}/other", raw)')[count % 3]
            api(http, "PUT", "/configs/changing", {"source": f'tail("{place}")', "sink": kind})
            time.sleep(0.2)

    with open(place, "ab", buffering=0) as log:
        log.write(b"a first line\n")
        wait_for("the first line", lambda: size_of(out) > 0)
        file = next(p for p in out.rglob("*") if p.is_file())
        figures = {"quiet": lines_take(log, file, 0.001, lambda lines: lines < options.lines)}
        changer = threading.Thread(target=change)
        changer.start()
        figures["changing"] = lines_take(log, file, 0.001, lambda lines: lines == 0 or changer.is_alive())
        changer.join()
    for process in [node, master]:
        process.stop()
    for name, figure in figures.items():
        show_lines(f"{name}, {figure['lines']} lines", figure)
    return figures, True


if __name__ == "__main__":
    sys.exit(run_one(__doc__, {"throughput": throughput, "latency": latency, "idle": idle, "control": control, "pause": pause},
                     {"megabytes": 1000, "rounds": 5, "lines": 2000, "seconds": 10, "nodes": 100, "changes": 200}, "/dev/shm"))
