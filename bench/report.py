#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Turns what the guests have printed into one JSON document, tables and plots.

  report.py DIRECTORY KERNEL...    reads DIRECTORY/KERNEL-PART.jsonl; writes guest.json and *.svg there, prints tables
"""
import json
import os
import statistics
import subprocess
import sys

PARTS = ("workloads", "profile", "flat", "lists", "burst")

# How they are called in tables, in this order. The first is what the others are compared with.
CONDITIONS = {
    "nothing": "nothing",
    "again": "nothing, at the end",
    "empty": "two empty programs",
    "inotify": "inotify",
    "fanotify": "fanotify",
    "fschanged": "fschanged",
    "precise": "fschanged, precision = write",
}

# What fschanged, its collector included, may cost against nothing watching.
BUDGETS = {
    "pread": 1.01,
    "pwrite": 1.01,
    "stat": 1.03,
    "open-read-close": 1.03,
    "open-write-close-dirty": 1.15,
    "open-write-close-clean": 1.30,
    "deliver": 1.12,
    "unlink": 1.08,
}

# Workloads whose number of operations does not depend on that of the files.
REPEATED = ("pread", "pwrite", "stat", "open-read-close")

PLOT = """
set terminal svg size 1100,420 font 'sans,12' background '#ffffff'
set output '{svg}'
set title '{title}'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set grid ytics
set yrange [1:*]
set ylabel 'instructions against nothing watching'
set xtics rotate by -25
set key outside right top
plot {plots}
"""

LINES = """
set terminal svg size 700,420 font 'sans,12' background '#ffffff'
set output '{svg}'
set title '{title}'
set logscale xy
set grid
set xlabel 'directories and files'
set ylabel '{unit}'
set key outside right top
plot {plots}
"""


def read(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.startswith("{")]


def unique(values):
    return list(dict.fromkeys(values))


def per_operation(rounds):
    """The medians of one workload under one condition."""
    operations = rounds[0]["operations"]
    both = [r["own"] + r["consumer"] for r in rounds]
    return {
        "rounds": len(rounds),
        "own": statistics.median(r["own"] for r in rounds) / operations,
        "consumer": statistics.median(r["consumer"] for r in rounds) / operations,
        "kernel_threads": statistics.median(r["kernel"] for r in rounds) / operations,
        "total": statistics.median(both) / operations,
        "spread": (max(both) - min(both)) / statistics.median(both) if statistics.median(both) else 0,
    }


def reduce_workloads(rounds):
    """{filesystem: {workload: {condition: figures}}}, with ratios against nothing watching."""
    grouped = {}
    for one in rounds:
        workloads = grouped.setdefault(one["filesystem"], {})
        workloads.setdefault(one["workload"], {}).setdefault(one["condition"], []).append(one)
    for workloads in grouped.values():
        for conditions in workloads.values():
            for condition, of_it in conditions.items():
                conditions[condition] = per_operation(of_it)
            add_ratios(conditions)
    return grouped


def add_ratios(conditions):
    base = conditions.get("nothing")
    if not base:
        return
    for figures in conditions.values():
        figures["own_ratio"] = figures["own"] / base["own"]
        figures["ratio"] = figures["total"] / base["total"]


def count(number):
    """Instructions, so that they can be read."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def ratio(figures, base):
    if "ratio" not in figures:
        return "-"
    if figures is base:
        return count(base["total"])
    if not figures["consumer"]:
        return f"{figures['ratio']:.3f}"
    return f"{figures['own_ratio']:.3f} / {figures['ratio']:.3f}"


def verdict(workload, conditions):
    if workload not in BUDGETS or "ratio" not in conditions.get("fschanged", {}):
        return "", ""
    budget = BUDGETS[workload]
    return f"{budget:.2f}", "kept" if conditions["fschanged"]["ratio"] <= budget else "NO"


def print_workloads(kernel, filesystem, workloads):
    shown = [c for c in CONDITIONS if any(c in conditions for conditions in workloads.values())]
    rows = [["workload", *(CONDITIONS[c] for c in shown), "budget", "kept"]]
    print(f"\n{kernel}, {filesystem}: instructions an operation with nothing watching; ratios against it, of the workload / and consumer\n")
    for workload, conditions in workloads.items():
        if workload == "idle":
            continue
        cells = [ratio(conditions[c], conditions.get("nothing")) if c in conditions else "-" for c in shown]
        rows.append([workload, *cells, *verdict(workload, conditions)])
    table(rows)
    for condition, figures in workloads.get("idle", {}).items():
        if figures["consumer"]:
            print(f"\n{condition}, when nothing happens: {count(figures['consumer'])} instructions a second")


def in_user_space(rounds):
    """The kernel counts that by ticks: only where there are many."""
    consumed = sum(r["consumer"] for r in rounds)
    return f"{min(sum(r['user'] for r in rounds) / consumed, 1):.0%}" if consumed > 100e6 else ""


def scaled(lines):
    """The same workload with few and with many files: rows of a table."""
    grouped = {}
    for line in lines:
        if line["what"] == "scaled" and line["workload"] != "idle":
            grouped.setdefault((line["workload"], line["operations"]), []).append(line)
    for (workload, operations), rounds in sorted(grouped.items()):
        figures = per_operation(rounds)
        yield [workload, str(operations), count(figures["own"]), count(figures["consumer"]), in_user_space(rounds)]


def runs(snapshot):
    """{program: (runs, instructions)}"""
    return {p["name"]: (p.get("run_cnt", 0), p.get("run_time_ns", 0)) for p in snapshot["programs"] if "name" in p}


def difference(after, before):
    return {name: tuple(x - y for x, y in zip(of_it, before.get(name, (0, 0)))) for name, of_it in after.items()}


def programs(lines, operations):
    """What each program takes for an operation: the longer run less the shorter one."""
    snapshots = [line for line in lines if line["what"] == "programs"]
    for i in range(0, len(snapshots) - 3, 4):
        once, again = snapshots[i:i + 2], snapshots[i + 2:i + 4]
        rounds = again[0]["rounds"] - once[0]["rounds"]
        workload = snapshots[i]["workload"]
        number = rounds * operations.get(workload.split(",")[-1], 1)
        if not workload.startswith(REPEATED):
            number *= snapshots[i]["scale"]
        spent = difference(difference(runs(again[1]), runs(again[0])), difference(runs(once[1]), runs(once[0])))
        for name, (times, instructions) in sorted(spent.items(), key=lambda item: -item[1][1]):
            if times * 10 >= number:
                yield [workload, name, f"{times / number:.2f}", count(instructions / number)]


def print_profile(kernel, lines, operations):
    rows = list(scaled(lines))
    if rows:
        print(f"\n{kernel}, ext4: instructions an operation, by the number of operations in a transaction\n")
        table([["workload", "operations", "workload", "collector", "of it in user space"], *rows])
    rows = list(programs(lines, operations))
    if rows:
        print(f"\n{kernel}, ext4: programs in the kernel, for an operation\n")
        table([["workload", "program", "runs", "instructions"], *rows])


def cell(value):
    return count(value) if isinstance(value, int) and abs(value) > 999999 else str(value)


def print_lines(kernel, title, lines):
    if not lines:
        return
    keys = unique(key for line in lines for key in line)
    print(f"\n{kernel}: {title}\n")
    table([keys] + [[cell(line.get(key, "")) for key in keys] for line in lines])


def gnuplot(script):
    try:
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"bench: no plot: {error}", file=sys.stderr)


def plot_workloads(directory, kernel, filesystem, workloads):
    shown = [c for c in CONDITIONS if c not in ("nothing", "again") and any(c in w for w in workloads.values())]
    compared = {w: conditions for w, conditions in workloads.items() if w != "idle" and "nothing" in conditions}
    if not shown or not compared:
        return
    data = f"{directory}/{kernel}-{filesystem}.dat"
    with open(data, "w", encoding="utf-8") as file:
        for workload, conditions in compared.items():
            values = [f"{conditions[c]['ratio']:.4f}" if c in conditions else "nan" for c in shown]
            print(f'"{workload}"', *values, file=file)
    plots = [f"'{data}' using {n + 2}:xtic(1) title '{CONDITIONS[c]}'" for n, c in enumerate(shown)]
    gnuplot(PLOT.format(svg=data[:-3] + "svg", plots=", ".join(plots),
                        title=f"{filesystem}, Linux {kernel}: workload and consumer"))


def plot_flat(directory, kernel, lines):
    for key, title, unit in (("bytes", "memory in the kernel for watching", "bytes"),
                             ("setup", "work to begin watching", "instructions")):
        watchers = unique(line["watcher"] for line in lines)
        plots = []
        for watcher in watchers:
            data = f"{directory}/{kernel}-flat-{watcher}-{key}.dat"
            with open(data, "w", encoding="utf-8") as file:
                for line in lines:
                    if line["watcher"] == watcher:
                        print(line["directories"] + line["files"], max(line[key], 1), file=file)
            plots.append(f"'{data}' with linespoints linewidth 2 title '{watcher}'")
        gnuplot(LINES.format(svg=f"{directory}/{kernel}-flat-{key}.svg", title=f"Linux {kernel}: {title}", unit=unit,
                             plots=", ".join(plots)))


def report(directory, kernel):
    lines = {part: read(f"{directory}/{kernel}-{part}.jsonl") for part in PARTS}
    workloads = reduce_workloads(lines["workloads"])
    for filesystem, of_it in workloads.items():
        print_workloads(kernel, filesystem, of_it)
        plot_workloads(directory, kernel, filesystem, of_it)
    operations = {one["workload"]: one["operations"] for one in lines["workloads"]}
    print_profile(kernel, lines["profile"], operations)
    print_lines(kernel, "by the number of directories", lines["flat"])
    if lines["flat"]:
        plot_flat(directory, kernel, lines["flat"])
    print_lines(kernel, "lists of files that are looked at", lines["lists"])
    print_lines(kernel, "storms of creations", lines["burst"])
    return {**lines, "workloads": workloads}


def main():
    directory, kernels = sys.argv[1], sys.argv[2:]
    result = {"budgets": BUDGETS, "kernels": {kernel: report(directory, kernel) for kernel in kernels}}
    with open(directory + "/guest.json.new", "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    os.rename(directory + "/guest.json.new", directory + "/guest.json")


if __name__ == "__main__":
    main()
