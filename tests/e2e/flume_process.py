"""Real flume processes for end-to-end tests, the demo and the benchmarks: free ports, a folder of their own, stopped by id.

Everything listens on 127.0.0.1. A Cluster is a context manager: leaving it stops what it started, also after an error.
"""
import atexit
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """The program under test: $FLUME_BINARY, else the release build."""
    return os.environ.get("FLUME_BINARY", str(ROOT / "build" / "release" / "flume"))


PORTS_HELD = contextlib.ExitStack()
atexit.register(PORTS_HELD.close)


def free_ports(count):
    """Ports that nobody listens on. Until this process ends the kernel gives them to nobody; who is told the number can
    listen there (with SO_REUSEADDR)."""
    sockets = [PORTS_HELD.enter_context(socket.socket()) for _ in range(count)]
    for s in sockets:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
    return [s.getsockname()[1] for s in sockets]


def wait_for(what, predicate, seconds=30.0, every=0.02):
    """Polls until predicate() is truthy and returns that value; raises AssertionError naming what was waited for."""
    end = time.monotonic() + seconds
    last_error = None
    while True:
        try:
            value = predicate()
            if value:
                return value
        except (OSError, KeyError, IndexError, ApiError) as error:
            last_error = error
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}" + (f"; last error: {last_error}" if last_error else ""))
        time.sleep(every)


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body


def http(method, url, body=None, timeout=40):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"X-Flume": "1"})
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        try:
            raise ApiError(error.code, json.loads(text)) from None
        except json.JSONDecodeError:
            raise ApiError(error.code, text) from None
    return json.loads(text) if text.startswith(("{", "[")) else text


class Process:
    """One flume process; its output goes to a file in the cluster's folder."""

    def __init__(self, name, arguments, folder, environment=None):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.log = open(self.log_path, "ab")
        self.popen = subprocess.Popen([binary(), *arguments], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                      cwd=folder, env={**os.environ, **(environment or {})}, start_new_session=True)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def kill(self):
        if self.running():
            self.popen.kill()
        self.popen.wait()

    def stop(self, seconds=20):
        """SIGTERM, and the exit code; SIGKILL when it does not end in time."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.log.close()
        return self.popen.returncode

    def output(self):
        return self.log_path.read_text(errors="replace")


class Cluster:
    """A master and nodes on free ports (or the given ones), state below one folder."""

    def __init__(self, folder=None, http_port=None, settings=None):
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="flume-test-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = free_ports(3)
        self.http_port = http_port or ports[0]
        self.node_port, self.admin_port = ports[1], ports[2]
        self.settings = settings or {}
        self.processes = {}
        self.keep = False

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.keep:
            return
        for process in reversed(list(self.processes.values())):
            code = process.stop()
            if kind is not None:
                print(f"--- {process.name} (exit {code}), last lines of {process.log_path}:")
                print("\n".join(process.output().splitlines()[-25:]))
        if self.own_folder and kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def options(self, more=None):
        settings = {"flume.master.servers": "127.0.0.1", "flume.master.http.port": self.http_port,
                    "flume.master.heartbeat.port": self.node_port, "flume.config.admin.port": self.admin_port,
                    "flume.master.store.dir": self.folder / "master", "flume.agent.logdir": self.folder / "nodes",
                    **self.settings, **(more or {})}
        return [word for name, value in settings.items() for word in ("-D", f"{name}={value}")]

    def start(self, name, arguments, settings=None, environment=None):
        """`arguments` begins with the command; settings follow it."""
        process = Process(name, [arguments[0], *self.options(settings), *arguments[1:]], self.folder, environment)
        self.processes[name] = process
        return process

    def start_master(self, settings=None):
        process = self.start("master", ["master_nowatch"], settings)
        wait_for("the master's API", lambda: self.api("GET", "/status"))
        return process

    def start_node(self, name, settings=None, environment=None):
        return self.start(name, ["node_nowatch", "-n", name], settings, environment)

    def url(self, path=""):
        return f"http://127.0.0.1:{self.http_port}{path}"

    def api(self, method, path, body=None):
        return http(method, self.url("/api/v1" + path), body)

    def command(self, name, *arguments):
        answer = self.api("POST", "/commands", {"command": name, "args": list(arguments), "wait_ms": 20000})
        if answer["state"] != "SUCCEEDED":
            raise AssertionError(f"{name} {arguments}: {answer}")
        return answer

    def configure(self, name, source, sink):
        return self.command("config", name, source, sink)

    def logical(self, name):
        for node in self.api("GET", "/nodes")["logical"]:
            if node["name"] == name:
                return node
        raise KeyError(name)

    def wait_state(self, name, *states, seconds=30):
        return wait_for(f"{name} to be {' or '.join(states)}",
                        lambda: (lambda n: n if n["state"] in states and n["revision"] == n["wanted_revision"] else None)(
                            self.logical(name)), seconds)
