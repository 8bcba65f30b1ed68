#!/usr/bin/python3
"""A master that is only an HTTP API with made-up nodes, for looking at the page in states that are hard to bring about:
lost machines, refused configurations, names full of markup. Serves webui/static as it lies in the source tree.

    fake_master.py [PORT]        prints the address; PORT 0 or none = any free one
"""
import json
import pathlib
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATIC = pathlib.Path(__file__).resolve().parents[2] / "webui" / "static"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
CSP = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
EVIL = "<img src=x onerror=\"document.body.dataset.pwned='1'\">"
COMPONENTS = [
    ("source", "tail", "Follows a file as it grows and is rotated.", [("file", "text", True, "", "The file."),
                                                                     ("startFromEnd", "bool", False, "false", "Skip what is there.")]),
    ("source", "text", "Reads a file once.", [("file", "text", True, "", "The file.")]),
    ("source", "collectorSource", "Receives events from agents.", [("port", "port", False, "35853", "Port to listen on.")]),
    ("source", "console", "Reads lines from the terminal.", []),
    ("sink", "console", "Prints events.", [("format", "format", False, "raw", "Output format.")]),
    ("sink", "agentBESink", "Sends events to a collector, best effort.",
     [("machine", "text", False, "localhost", "Collector."), ("port", "port", False, "35853", "Its port.")]),
    ("sink", "agentSink", "Sends events to a collector, end to end.",
     [("host", "text", False, "localhost", "Collector."), ("port", "port", False, "35853", "Its port.")]),
    ("sink", "agentDFOSink", "Sends events to a collector, store on failure.",
     [("host", "text", False, "localhost", "Collector."), ("port", "port", False, "35853", "Its port.")]),
    ("sink", "null", "Counts and drops events.", []),
    ("sink", "formatDfs", "Writes events to a store.", [("path", "escape", True, "", "Where to.")]),
    ("decorator", "gzip", "Compresses each event's body.", []),
    ("decorator", "batch", "Joins events.", [("n", "integer", True, "", "How many."), ("latency", "duration", False, "0", "At most so long.")]),
    ("format", "raw", "The body and its delimiter.", []),
]
ARGS = {"node": "logical", "source": "source", "sink": "sink", "flow": "flow", "physical": "physical", "logical": "logical",
        "spec": "spec", "file": "path"}
COMMANDS = [("config", [["node", "source", "sink"], ["node", "flow", "source", "sink"]], "Sets the source and sink of a logical node."),
            ("multiconfig", [["spec"]], "Sets many nodes in one step."), ("unconfig", [["node"]], "Stops what a node does."),
            ("refresh", [["node"]], "Opens a node's configuration anew."), ("map", [["physical", "logical"]], "Puts a logical node on a machine."),
            ("unmap", [["physical", "logical"]], "Takes a logical node off a machine."), ("noop", [[]], "Does nothing."),
            ("decommission", [["node"]], "Removes mapping and configuration."), ("purge", [["node"]], "Forgets a node's status.")]


def now():
    return int(time.time() * 1000)


def amount(events):
    return {"events": events, "bytes": events * 203}


class World:
    def __init__(self):
        self.lock = threading.Condition()
        self.change = 1
        self.revision = 40
        self.started = now()
        self.commands = []
        self.configs = {}
        self.where = {}
        for name, source, sink, physical in [
                ("web1", 'tail("/var/log/nginx/access.log")', 'batch(100) agentBESink("collector1", 35853)', "web1"),
                ("web2", 'tail("/var/log/nginx/access.log")', 'batch(100) agentBESink("collector1", 35853)', "web2"),
                ("web2-audit", 'tail("/var/log/audit/audit.log")', '[agentBESink("collector1"), console]', "web2"),
                ("collector", "collectorSource(35853)", 'formatDfs("file:///srv/logs/%{host}/%Y-%m-%d", raw)', "collector1"),
                ("broken", 'tail("/var/log/ghost.log")', 'formatDfs("file:///full/disk")', "collector1"),
                ("gone", 'tail("/var/log/old.log")', "console", "old-box"),
                ("safe", 'tail("/var/log/orders.log")', '[ agentE2EChain("collector1", "collector2"), agentDFOSink("archive", 35853) ]', "web1"),
                ("full", 'tail("/var/log/big.log")', 'agentSink("collector2", 35853)', "web2"),
                (EVIL, "console", 'text("<script>document.body.dataset.pwned=1</script>")', "")]:
            self.put(name, source, sink, "default-flow", "setup")
            self.where[name] = physical

    def put(self, name, source, sink, flow, why):
        with self.lock:
            self.revision += 1
            self.change += 1
            self.configs[name] = {"name": name, "flow": flow, "source": source, "sink": sink, "revision": self.revision,
                                  "translated": {"source": source, "sink": sink.replace("agentBESink", "rpcSink")},
                                  "physical": self.where.get(name, ""), "who": "web 127.0.0.1", "when_ms": now(), "why": why,
                                  "diagnostics": []}
            self.lock.notify_all()
            return self.revision

    def run(self, command, args, state="SUCCEEDED", message=""):
        with self.lock:
            self.change += 1
            self.commands.insert(0, {"id": len(self.commands), "command": command, "args": args, "state": state,
                                     "message": message, "who": "web 127.0.0.1", "submitted_ms": now(), "finished_ms": now(),
                                     "revision": self.revision})
            self.lock.notify_all()
            return {"id": len(self.commands) - 1, "state": state, "message": message, "revision": self.revision, "diagnostics": []}

    def envelope(self, **more):
        return {"now_ms": now(), "revision": self.revision, "change": f"f-{self.change}", **more}

    def logical(self, name):
        config = self.configs[name]
        state = {"broken": "BACKOFF", "gone": "LOST"}.get(name, "ACTIVE" if self.where.get(name) else "IDLE")
        wave = 1 + 0.4 * ((time.time() / 7 + len(name)) % 1)
        speed = 5200 * wave if state == "ACTIVE" else 0
        read = int((now() - self.started) * 5.2) + 1200000 if state == "ACTIVE" else 0
        lost = 42 if name == "web2" else 0
        rates = {"read_events": speed, "read_bytes": speed * 203, "delivered_events": speed * 0.99, "delivered_bytes": speed * 201}
        if name in LOGS:
            return self.logical_with_logs(name, config, state)
        ledger = {"read": amount(read), "recovered": amount(0), "delivered": amount(max(read - 99 - lost, 0)),
                  "in_flight": amount(99 if read else 0), "balanced": True,
                  "dropped": {**amount(lost), "reasons": {"unconfirmed": amount(lost)} if lost else {}}}
        return {"name": name, "physical": self.where.get(name, ""), "host": self.where.get(name, ""), "flow": config["flow"],
                "state": state, "since_ms": self.started, "revision": config["revision"] - (name == "broken"),
                "wanted_revision": config["revision"], "rates": rates, "ledger": ledger,
                "error": 'append to "/full/disk/.tmp": no space left on device (ENOSPC)' if name == "broken" else "",
                "error_ms": now() - 4000 if name == "broken" else None, "next_try_ms": now() + 8000 if name == "broken" else None,
                "last_seen_ms": now() - (125000 if name == "gone" else 700),
                "counters": {"flume_tail_reopened_total": 3, "flume_source_batches_total": read // 700}}

    def logical_with_logs(self, name, config, state):
        missing = 12 if name == "full" else 0
        held = sum(log["rows"] for log in LOGS[name])
        off = 3 if name == "full" else 0
        ledger = {"read": amount(1000000), "recovered": amount(5000), "copies": 0, "joined": 0, "missing": missing,
                  "delivered": amount(1005000 - held - missing - off - 40), "in_flight": amount(40), "held": amount(held),
                  "dropped": {**amount(0), "reasons": {}}, "unexplained": off, "balanced": off == 0}
        logs = [{**log, "oldest_ms": now() - log["age"] if log["age"] else None,
                 "sending": {**log["sending"], "next_try_ms": now() + 5000 if log["sending"]["error"] else None}} for log in LOGS[name]]
        return {"name": name, "physical": self.where[name], "host": self.where[name], "flow": config["flow"], "state": state,
                "since_ms": self.started, "revision": config["revision"], "wanted_revision": config["revision"],
                "rates": {"read_events": 812.0, "read_bytes": 164836.0, "delivered_events": 812.0, "delivered_bytes": 164836.0},
                "ledger": ledger, "error": "", "error_ms": None, "next_try_ms": None, "last_seen_ms": now() - 700, "counters": {},
                "promise": PROMISES[name], "logs": logs}

    def nodes(self):
        machines = {}
        for name, machine in self.where.items():
            if machine:
                machines.setdefault(machine, []).append(name)
        return self.envelope(
            physical=[{"name": m, "host": m, "node_id": "0" * 32, "addresses": ["10.0.0.7"], "state": "LOST" if m == "old-box" else "ACTIVE",
                       "version": "0.1.0", "boot_ms": self.started - 86400000, "last_seen_ms": now() - (125000 if m == "old-box" else 700),
                       "http_port": 35862, "logical": names} for m, names in sorted(machines.items())],
            logical=[self.logical(name) for name in sorted(self.configs)])

    def ledger(self):
        nodes = [self.logical(name) for name in sorted(self.configs)]
        total = {k: amount(sum(n["ledger"][k]["events"] for n in nodes)) for k in ["read", "recovered", "delivered", "in_flight", "dropped"]}
        total["dropped"]["reasons"] = {"unconfirmed": amount(total["dropped"]["events"])}
        rates = {k: sum(n["rates"][k] for n in nodes) for k in nodes[0]["rates"]}
        return self.envelope(flows=[{"flow": "default-flow", "rates": rates, "ledger": {**total, "balanced": True},
                                     "nodes": [{"name": n["name"], "ledger": n["ledger"], "rates": n["rates"]} for n in nodes]}])


def log(kind, path, rows, size, age, **more):
    return {"kind": kind, "path": path, "folder": f"/var/lib/flume/web/{kind}/{path}", "rows": rows, "bytes": size,
            "limit_bytes": 10 << 30, "segments": 3, "age": age, "recovered": 0, "repeated": 0, "parked": 0, "possibly_doubled": 0,
            "missing": {"events": 0, "places": []}, "damaged_bytes": 0, "disk_error": "", "sending": {"state": "ACTIVE", "error": ""},
            "ack": {"events": 0, "median_ms": None, "p99_ms": None}, "dropped": {**amount(0), "reasons": {}}, **more}


LOGS = {
    "safe": [log("wal", "sink.0", 1412, 48 << 20, 900, ack={"events": 998000, "median_ms": 3.2, "p99_ms": 18.4}, repeated=77,
                 parked=1204, possibly_doubled=19),
             log("dfo", "sink.1", 0, 65536, 0)],
    "full": [log("wal", "sink", 81234, 10 << 30, 7260000, recovered=5000,
                 sending={"state": "BACKOFF", "error": 'connect to collector2:35853: connection refused'},
                 disk_error='the disk of "/var/lib/flume/web/wal/sink" has 1024 bytes left; 268435456 are kept for others',
                 damaged_bytes=2636, missing={"events": 12, "places": [{"first": 4000, "end": 4012, "bytes": 2636, "offset": 130240, "why": "a batch's blob fails its check",
                                                    "segment": "/var/lib/flume/web/wal/sink/00000000000000000000.sealed"}]})]}
ONCE = ("rows stay in the log until the collector's sinks answer for them; those that write files there know rows that come again, "
        "others (console, a sink of your own) write them again")
PROMISES = {
    "safe": {"delivery": "at_least_once", "source": "", "possibly_doubled": 31, "sinks": [
        {"path": "sink.0", "sink": "agentE2EChain", "delivery": "exactly_once_in_files", "why": ONCE},
        {"path": "sink.1", "sink": "agentDFOSink", "delivery": "at_least_once",
         "why": "rows that were on their way when a link died are sent again, and may have arrived"}]},
    "full": {"delivery": "exactly_once_in_files", "source": "", "possibly_doubled": 0,
             "sinks": [{"path": "sink", "sink": "agentSink", "delivery": "exactly_once_in_files", "why": ONCE}]}}

WORLD = World()


def find_errors(field, text):
    out = []
    words = {"source": [c[1] for c in COMPONENTS if c[0] == "source"],
             "sink": [c[1] for c in COMPONENTS if c[0] in ("sink", "decorator")]}
    at = text.find("gizp")
    if at < 0 and field in words and not any(w in text for w in words[field]):
        at = 0
    if at >= 0:
        word = text[at:].split("(")[0].split(" ")[0] or " "
        line = text.count("\n", 0, at) + 1
        column = at - (text.rfind("\n", 0, at) + 1) + 1
        out.append({"severity": "error", "code": "L021", "field": field, "line": line, "column": column, "end_line": line,
                    "message": f"no {field} '{word}'; did you mean 'gzip'?", "end_column": column + len(word), "offset": len(text[:at].encode()),
                    "length": len(word.encode()), "source_line": text.split("\n")[line - 1],
                    "caret": " " * (column - 1) + "^" + "~" * (len(word) - 1), "suggestion": "gzip", "notes": []})
    return out


def check(body):
    if "text" in body:
        diagnostics = find_errors("text", body["text"])
        return {"ok": not diagnostics, "diagnostics": diagnostics,
                "nodes": [] if diagnostics else [{"name": p.split(":")[0].strip()} for p in body["text"].split(";") if ":" in p]}
    diagnostics = find_errors("source", body["source"]) + find_errors("sink", body["sink"])
    return {"ok": not diagnostics, "diagnostics": diagnostics, "nodes": []}


def complete(body):
    before = body["text"].encode()[:body["offset"]].decode(errors="ignore")
    start = len(before)
    while start > 0 and before[start - 1].isalnum():
        start -= 1
    word = before[start:]
    kinds = {"source": ["source"], "sink": ["sink", "decorator"]}.get(body["field"], ["source", "sink", "decorator"])
    items = [{"label": n, "kind": k, "insert": n, "detail": f"{n}({', '.join(a[0] for a in args)})" if args else n, "doc": doc}
             for k, n, doc, args in COMPONENTS if k in kinds and n.startswith(word)]
    return {"from": len(before[:start].encode()), "to": body["offset"], "items": items}


class Handler(BaseHTTPRequestHandler):

    def log_message(self, *_):
        pass

    def send(self, status, content, type_="application/json"):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in [("Content-Type", type_), ("Content-Length", str(len(data))), ("Content-Security-Policy", CSP)]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status, code, message, diagnostics=()):
        self.send(status, {"error": {"code": code, "message": message, "diagnostics": list(diagnostics)}})

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if not url.path.startswith("/api/v1/"):
            file = STATIC / (url.path.strip("/") or "index.html")
            if file.is_file() and file.parent == STATIC:
                return self.send(200, file.read_bytes(), TYPES[file.suffix])
            return self.fail(404, "not_found", "there is nothing here")
        call = url.path.removeprefix("/api/v1/")
        if call == "changes":
            with WORLD.lock:
                WORLD.lock.wait_for(lambda: f"f-{WORLD.change}" != query.get("since"), int(query.get("wait_ms", 0)) / 1000)
                return self.send(200, WORLD.envelope(what=["nodes", "configs", "commands", "mappings"]))
        answers = {
            "status": lambda: WORLD.envelope(
                product="flume", version="0.1.0", api=1, host="m1", server_id=0, started_ms=WORLD.started,
                store={"kind": "dir", "id": "8a6f0e6e2f0b4a0c9f0b6a4f5d1c2e3b"}, nodes={"physical": 3, "logical": 6, "states": {}},
                masters=[{"server_id": 0, "host": "m1", "self": True, "live": True}]),
            "nodes": WORLD.nodes,
            "configs": lambda: WORLD.envelope(configs=[WORLD.configs[n] for n in sorted(WORLD.configs)]),
            "mappings": lambda: WORLD.envelope(mappings=[{"physical": m["name"], "logical": m["logical"]} for m in WORLD.nodes()["physical"]]),
            "commands": lambda: WORLD.envelope(commands=WORLD.commands[:50], next_before=None),
            "commands/schema": lambda: {"commands": [
                {"name": n, "summary": s, "changes": True, "examples": [],
                 "forms": [[{"name": a, "type": ARGS[a], "doc": "", "required": True, "repeated": False} for a in form] for form in forms]}
                for n, forms, s in COMMANDS]},
            "catalog": lambda: {"components": [
                {"kind": k, "name": n, "summary": s, "aliases": [], "examples": [[n, "An example."]],
                 "args": [{"name": a, "type": t, "required": r, "default_text": d, "doc": doc} for a, t, r, d, doc in args]}
                for k, n, s, args in COMPONENTS]},
            "ledger": WORLD.ledger,
        }
        return self.send(200, answers[call]()) if call in answers else self.fail(404, "not_found", f"no call '{call}'")

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def do_POST(self):
        body = self.body()
        call = self.path.removeprefix("/api/v1/")
        if self.headers.get("X-Flume") != "1":
            return self.fail(403, "cross_site", "the header X-Flume: 1 is needed to change something")
        if call == "check":
            return self.send(200, check(body))
        if call == "complete":
            return self.send(200, complete(body))
        if call == "commands":
            return self.run_command(body["command"], body["args"])
        return self.fail(404, "not_found", f"no call '{call}'")

    def run_command(self, command, args):
        if command not in [c[0] for c in COMMANDS]:
            return self.fail(400, "invalid", f"unknown command '{command}'")
        if command == "map":
            WORLD.where[args[1]] = args[0]
            WORLD.put(args[1], "null", "null", "default-flow", "map") if args[1] not in WORLD.configs else None
        elif command == "unmap":
            WORLD.where[args[1]] = ""
        elif command == "multiconfig":
            diagnostics = find_errors("text", args[0])
            if diagnostics:
                return self.fail(422, "invalid_spec", "the specification has errors", diagnostics)
        return self.send(200, WORLD.run(command, args))

    def do_PUT(self):
        body = self.body()
        name = urllib.parse.unquote(self.path.removeprefix("/api/v1/configs/"))
        diagnostics = check({"source": body["source"], "sink": body["sink"]})["diagnostics"]
        if diagnostics:
            return self.fail(422, "invalid_spec", "the specification has errors", diagnostics)
        if "if_revision" in body and WORLD.configs.get(name, {}).get("revision", 0) != body["if_revision"]:
            return self.fail(409, "conflict", "the configuration was changed meanwhile")
        WORLD.put(name, body["source"], body["sink"], body["flow"], "config")
        return self.send(200, WORLD.run("config", [name, body["source"], body["sink"]]))


def serve(port=0):
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


if __name__ == "__main__":
    SERVER = serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"http://127.0.0.1:{SERVER.server_address[1]}", flush=True)
    SERVER.serve_forever()
