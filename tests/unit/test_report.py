#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tables and plots of what guests have printed (bench/report.py). Prints TAP."""
import contextlib
import io
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench"))
import report  # noqa: E402


def measured(condition, own, consumer=0, workload="stat", operations=10):
    return {"filesystem": "ext4", "workload": workload, "condition": condition, "operations": operations,
            "own": own, "consumer": consumer, "kernel": 0}


def run(rounds, others=()):
    """What main() makes of these lines: the document, what it prints, the scripts of its plots."""
    scripts = []
    report.gnuplot = scripts.append
    with tempfile.TemporaryDirectory(prefix="fschanged-report-") as place:
        for part, lines in (("workloads", rounds), *others):
            with open(f"{place}/6.12-{part}.jsonl", "w", encoding="utf-8") as file:
                print("no JSON", *map(json.dumps, lines), sep="\n", file=file)
        sys.argv = ["report.py", place, "6.12"]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            report.main()
        with open(f"{place}/guest.json", encoding="utf-8") as file:
            return json.load(file)["kernels"]["6.12"], printed.getvalue(), scripts


def ratios_are_of_the_medians():
    rounds = [measured("nothing", own) for own in (100, 90, 1000)]
    rounds += [measured("fschanged", own, 10) for own in (105, 500, 95)]
    document, _, _ = run(rounds)
    stat = document["workloads"]["ext4"]["stat"]
    assert stat["nothing"]["own"] == 10, stat
    assert stat["fschanged"]["own_ratio"] == 1.05, stat
    assert stat["fschanged"]["ratio"] == 1.15, stat


def budgets_are_kept_or_not():
    for own, word in ((103, "kept"), (104, "NO")):
        _, printed, _ = run([measured("nothing", 100), measured("fschanged", own)])
        row = [cell.strip() for cell in next(line for line in printed.splitlines() if "stat" in line).split("|")]
        assert row[-3:-1] == ["1.03", word], row


def conditions_are_columns_of_the_plot():
    _, _, scripts = run([measured("nothing", 100), measured("inotify", 120), measured("fschanged", 110)])
    assert len(scripts) == 1, scripts
    plots = scripts[0].split("\nplot ")[1]
    assert "using 2:xtic(1) title 'inotify', " in plots, plots
    assert plots.endswith("using 3:xtic(1) title 'fschanged'\n"), plots


def nothing_alone_is_no_plot():
    document, printed, scripts = run([measured("nothing", 100), measured("again", 101)])
    assert not scripts, scripts
    assert "stat" in printed, printed
    assert document["workloads"]["ext4"]["stat"]["again"]["ratio"] == 1.01, document


def nothing_to_compare_with_is_no_plot():
    _, printed, scripts = run([measured("fschanged", 110), measured("nothing", 1, 5, workload="idle")])
    assert not scripts, scripts
    assert "stat" in printed, printed


def memory_is_a_line_for_each_watcher():
    flat = [{"watcher": watcher, "directories": 10, "files": 10, "bytes": 0, "setup": 5} for watcher in ("inotify", "fschanged")]
    _, printed, scripts = run([], [("flat", flat)])
    assert len(scripts) == 2, scripts
    assert all(script.count("with linespoints") == 2 for script in scripts), scripts
    assert "directories" in printed, printed


def a_guest_that_has_printed_nothing_is_no_failure():
    document, printed, scripts = run([])
    assert document["workloads"] == {} and document["burst"] == [], document
    assert not printed and not scripts, (printed, scripts)


TESTS = (ratios_are_of_the_medians, budgets_are_kept_or_not, conditions_are_columns_of_the_plot,
         nothing_alone_is_no_plot, nothing_to_compare_with_is_no_plot, memory_is_a_line_for_each_watcher,
         a_guest_that_has_printed_nothing_is_no_failure)


def main():
    failed = False
    for number, test in enumerate(TESTS, 1):
        complaint = ""
        try:
            test()
        except Exception as error:
            complaint = repr(error)
            failed = True
        print(f"{'not ' if complaint else ''}ok {number} - {test.__name__}")
        if complaint:
            print("# " + complaint.replace("\n", "\n# "))
    return failed


if __name__ == "__main__":
    sys.exit(main())
