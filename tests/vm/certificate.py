#!/usr/bin/env python3
"""Checks a certificate against the schema, and that what it says agrees with itself and with the lists beside it.

certificate.py SCHEMA CERTIFICATE [EXPRESSION...]: each expression, of Python with the certificate as `c`, must be true.
"""
import json
import os
import sys

import jsonschema


def entries(file):
    with open(file, "rb") as stream:
        return stream.read().count(b"\0")


def check_windows(c):
    numbers = [window["window"] for window in c["windows"]]
    assert numbers == list(range(c["first"], c["last"] + 1)), numbers
    for window in c["windows"]:
        events = window["events"]
        assert window["closed"] is None or events["committed"] >= events["kernel"], window
    for row in c["coverage"]:
        assert c["first"] <= row["first"] <= row["last"] <= c["last"], row


def main():
    with open(sys.argv[1], encoding="utf-8") as stream:
        schema = json.load(stream)
    with open(sys.argv[2], encoding="utf-8") as stream:
        c = json.load(stream)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(c, schema, jsonschema.Draft7Validator)
    if c["verdict"] != "fresh":
        if c["verdict"] != "incomplete":
            check_windows(c)
        for name in ("changed", "deleted"):
            if c[name] and os.path.exists(c[name]["file"]):
                assert entries(c[name]["file"]) == c[name]["paths"], (name, c[name])
    for expression in sys.argv[3:]:
        assert eval(expression, {"c": c}), f"of {json.dumps(c)[-2000:]} is not true: {expression}"


main()
