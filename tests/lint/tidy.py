#!/usr/bin/env python3
"""Runs clang-tidy on every source file of the program (not on tests), two at a time, and remembers what was clean.

tidy.py BUILD_DIR: a build directory of a clang preset with compile_commands.json. A file is checked again when it, a header it
includes, its compile command or .clang-tidy changed; the memory is BUILD_DIR/tidy-cache.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("common", "dataflow-lang", "node", "master", "webui")


def entries(build):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in (*FOLDERS, "main.cpp") and path.suffix == ".cpp":
            yield path, entry


def compiler_arguments(entry):
    arguments = shlex.split(entry["command"])
    while arguments and ("ccache" in arguments[0]):
        arguments.pop(0)
    return arguments


def digest(path, entry):
    """Hash of everything that the verdict depends on: the project's own files that this one reads, flags and configuration."""
    arguments = compiler_arguments(entry)
    for option in ("-o", "-c"):
        if option in arguments:
            at = arguments.index(option)
            del arguments[at:at + (2 if option == "-o" else 1)]
    listed = subprocess.run([*arguments, "-MM", "-MG"], cwd=entry["directory"], capture_output=True, text=True)
    if listed.returncode != 0:
        return None
    total = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + " ".join(arguments).encode())
    for name in listed.stdout.replace("\\\n", " ").split()[1:]:
        file = pathlib.Path(entry["directory"], name)
        if file.exists():
            total.update(file.read_bytes())
    return total.hexdigest()


def check(build, cache, path, entry):
    key = digest(path, entry)
    if key and (cache / key).exists():
        return None
    run = subprocess.run(["clang-tidy-14", "--quiet", "-p", str(build), str(path)], capture_output=True, text=True)
    if run.returncode == 0:
        if key:
            (cache / key).touch()
        return None
    return "\n".join(line for line in run.stdout.splitlines() if line.strip()) or run.stderr


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    cache = build / "tidy-cache"
    cache.mkdir(exist_ok=True)
    found = list(entries(build))
    if not found:
        print("error: no source file in", build / "compile_commands.json")
        return 1
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for problem in pool.map(lambda pair: check(build, cache, *pair), found):
            if problem:
                print(problem)
                failed += 1
    print(f"{len(found)} files, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
