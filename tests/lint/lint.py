#!/usr/bin/env python3
"""Rules of this code base that no compiler checks: layers, includes, banned calls, sizes, words that must not be in the repository.

Run from anywhere: lint.py [CHECK...]; without arguments all checks run. Prints one line a finding, exits 1 if there is any.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("common", "dataflow-lang", "node", "master", "webui", "tests", "bench")
CODE_ENDINGS = {".h", ".cpp"}

# Library headers and the only folders that may include them.
ADAPTERS = [
    (r"<(thrift/|rpc/)|\"rpc/", ("common/rpc/", "node/control/", "node/net/", "master/rpc/", "master/cli/", "tests/")),
    (r"<rapidjson/", ("common/json/",)),
    (r"<httplib", ("common/http/", "tests/")),
    (r"<CLI/", ("common/cli/",)),
    (r"<spdlog/", ("common/base/log.cpp",)),
    (r"<re2/", ("common/text/", "tests/")),
    (r"<pugixml", ("common/config/",)),
    (r"<boost/asio", ("common/net/", "node/net/", "node/sources/", "node/sinks/", "master/rpc/", "tests/", "bench/")),
]

# Pattern, where it is allowed all the same, what to use instead.
BANNED = [
    (r"\b(atoi|atol|atoll|strtol|strtoul|strtoll|strtoull|strtod)\s*\(", (), "parse_number (common/base/text.h)"),
    (r"(?<![\w.>:])s?rand\s*\(", (), "a Random that is handed in (common/base/random.h)"),
    (r"\bstd::cout\b", ("bench/",), "write_stdout or std::fputs in a command"),
    (r"\bsystem_clock::now\b", ("common/base/clock.cpp", "bench/"), "a Clock that is handed in"),
    (r"(\bsleep_for\b|\bsleep_until\b|\busleep\s*\(|\bnanosleep\s*\()", ("bench/",), "a CondVar, poll() or a Wait"),
    (r"\[=[\],]", (), "named captures"),
    (r"\bstd::source_location\b|\bstd::views\b|std::atomic<std::shared_ptr", (), "nothing: clang 14 or TSan cannot"),
    (r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write", (), "textContent"),
    (r"\bGTEST_SKIP\b|\bDISABLED_", (), "a test that runs"),
    (r"co_await[^;]*\?|\?[^;:\n]*co_await|\{[^;{}]*co_await[^;{}]*\}", (), "one co_await a statement (gcc 12)"),
]

WORDS = [(r"/wor[k]/|/far[m]/|bash_job[s]|\.\./shared", "a path of a development machine")]

MAX_LINES = 700


def tracked_files():
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True).stdout.decode()
    return [name for name in out.split("\0") if name and (ROOT / name).is_file()]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def without_comments(text):
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r"//[^\n]*|/\*.*?\*/", blank, text, flags=re.S)


def without_strings(text):
    text = re.sub(r'R"(\w*)\((.*?)\)\1"', lambda m: '""' + "\n" * m.group(0).count("\n"), text, flags=re.S)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def code_files():
    return [n for n in tracked_files()
            if pathlib.PurePath(n).suffix in CODE_ENDINGS and (n.startswith(tuple(f + "/" for f in CODE_FOLDERS)) or "/" not in n)]


def load_layers():
    layers = {}
    for line in read("tests/lint/layers.txt").splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, allowed = line.partition(":")
            layers[folder.strip()] = allowed.split()
    return layers


def layer_of(name, layers):
    if name in layers:
        return name
    folder = str(pathlib.PurePath(name).parent)
    while folder not in ("", "."):
        if folder in layers:
            return folder
        folder = str(pathlib.PurePath(folder).parent)
    return None


def check_layers():
    layers = load_layers()
    for name in code_files():
        if name.startswith(("tests/", "bench/")):
            continue
        layer = layer_of(name, layers)
        if layer is None:
            yield f"{name}:1: no line for its folder in tests/lint/layers.txt"
            continue
        allowed = [layer, *layers[layer]]
        for number, line in enumerate(read(name).splitlines(), 1):
            match = re.match(r'\s*#include "([^"]+)"', line)
            if not match or match.group(1) == "components.inc" or match.group(1).startswith("rpc/"):
                continue
            included = match.group(1)
            if not any(included == a or included.startswith(a + "/") for a in allowed):
                yield f"{name}:{number}: {layer} may not include {included}"


def check_includes():
    for name in code_files():
        text = read(name)
        lines = text.splitlines()
        if name.endswith(".h") and "#pragma once" not in text:
            yield f"{name}:1: a header without #pragma once"
        if name.endswith(".cpp"):
            own = name[:-4] + ".h"
            first = next((l for l in lines if l.startswith("#include")), "")
            if (ROOT / own).exists() and first != f'#include "{own}"':
                yield f'{name}:1: the first include must be "{own}", so that the header is known to compile alone'
        for number, line in enumerate(lines, 1):
            for pattern, allowed in ADAPTERS:
                if re.match(r"\s*#include\s+(?:%s)" % pattern, line) and not name.startswith(allowed):
                    yield f"{name}:{number}: {line.strip()}: only in {', '.join(allowed)}"


def check_banned():
    for name in [*code_files(), *(n for n in tracked_files() if n.startswith("webui/") and n.endswith((".js", ".html")))]:
        text = without_strings(without_comments(read(name)))
        for pattern, allowed, instead in BANNED:
            if name.startswith(allowed) and allowed:
                continue
            for match in re.finditer(pattern, text):
                number = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{number}: {match.group(0).strip()!r} is banned; use {instead}"


def check_sizes():
    for name in tracked_files():
        if pathlib.PurePath(name).suffix in {".h", ".cpp", ".py", ".js", ".css", ".sh"}:
            lines = read(name).count("\n")
            if lines > MAX_LINES:
                yield f"{name}:1: {lines} lines; split it by responsibility (limit {MAX_LINES})"


def check_words():
    for name in tracked_files():
        if name == "tests/lint/lint.py" or name.startswith(("tests/golden/", "tests/fuzz/corpus/")):
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            for pattern, what in WORDS:
                if re.search(pattern, line):
                    yield f"{name}:{number}: {what}: {line.strip()[:100]}"


def check_format():
    files = [str(ROOT / n) for n in code_files()] or [""]
    run = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *files], capture_output=True, text=True)
    seen = set()
    for line in run.stderr.splitlines():
        match = re.match(r"(.*?):(\d+):\d+: error:", line)
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            yield f"{pathlib.Path(match.group(1)).relative_to(ROOT)}:{match.group(2)}: not formatted (clang-format-14 -i)"


def tests_there_are():
    """The file of each GoogleTest case (Suite.Name) and ctest case that is a script or a scenario (e2e/flow_test, torture/kill-e2e)."""
    places = {}
    scenarios = {}
    for name in tracked_files():
        if name.startswith("tests/") and name.endswith("_test.cpp"):
            for suite, case in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", read(name), re.M):
                places[f"{suite}.{case}"] = name
        elif re.match(r"tests/(e2e|browser)/\w+_test\.py$", name):
            places[name.removeprefix("tests/").removesuffix(".py")] = name
        elif re.match(r"node/torture/scenario_\w+\.cpp$", name):
            scenarios.update((run.replace("_", "-"), name) for run in re.findall(r"^void run_(\w+)\(Rig", read(name), re.M))
    for mode, wanted in re.findall(r"^set\(torture_(\w+)([^)]*)\)", read("tests/torture/CMakeLists.txt"), re.M):
        places.update((f"torture/{scenario}-{mode}", scenarios[scenario]) for scenario in wanted.split() if scenario in scenarios)
    return places


def names_rule(place, rule):
    """Does a comment in this file, or in one of this folder, name the rule?"""
    files = [n for n in code_files() if n == place or n.startswith(place + "/")]
    return any(re.search(r"//.*\b%s\b" % rule, line) for n in files for line in read(n).splitlines())


TEST_NAME = r"`([A-Z]\w*\.[A-Z]\w*|(?:e2e|browser|torture)/[\w-]+)`"
FAILURES = "## Failure by failure"
FAILURE_CELLS = 6  # failure, what each of three modes promises, what keeps it, what shows it


def failure_findings(text, there):
    """Each row of the table of failures is whole and names a test that there is, with a link to the file that has it."""
    links = dict(re.findall(r"^\[%s\]: \.\./(\S+)$" % TEST_NAME, text, re.M))
    rows = 0
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        inside = line == FAILURES if line.startswith("## ") else inside
        if not inside or not line.startswith("| ") or line.startswith("| failure |"):
            continue
        rows += 1
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != FAILURE_CELLS or not all(cells):
            yield number, f"a row of {FAILURE_CELLS} cells has one that is empty, missing or too many: {cells[0]}"
            continue
        named = re.findall(TEST_NAME, cells[-1])
        if not any(test in there for test in named):
            yield number, f"no test shows it: {cells[0]}"
        for test in named:
            if test in there and links.get(test) != there[test]:
                yield number, f"its link is [`{test}`]: ../{there[test]}"
    if rows == 0:
        yield 1, f"there is no table below {FAILURES!r}"


def check_reliability():
    document = "docs/reliability.md"
    there = tests_there_are()
    rules = set()
    for number, what in failure_findings(read(document), there):
        yield f"{document}:{number}: {what}"
    for number, line in enumerate(read(document).splitlines(), 1):
        for test in re.findall(TEST_NAME, line):
            if test not in there:
                yield f"{document}:{number}: there is no test {test}"
        row = [cell.strip() for cell in line.strip("|").split("|")] if re.match(r"\| R\d+ \|", line) else None
        if row:
            rules.add(row[0])
            for place in re.findall(r"`([^`]+)`", row[3]) or ["nothing"]:
                if not names_rule(place, row[0]):
                    yield f"{document}:{number}: no comment in {place} names {row[0]}"
            if "`" not in row[4]:
                yield f"{document}:{number}: {row[0]} names no test"
        elif re.match(r"\* R\d+: ", line):
            rules.add(line.split()[1].strip(":"))
    for rule in [f"R{n}" for n in range(1, 27)]:
        if rule not in rules:
            yield f"{document}:1: {rule} is neither in the table nor among those that are not kept yet"


CHECKS = {"layers": check_layers, "includes": check_includes, "banned": check_banned, "sizes": check_sizes,
          "words": check_words, "reliability": check_reliability, "format": check_format}


def main():
    findings = 0
    for name in sys.argv[1:] or CHECKS:
        for finding in CHECKS[name]():
            print(finding)
            findings += 1
    print(f"{findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
