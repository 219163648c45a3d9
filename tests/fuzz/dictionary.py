#!/usr/bin/env python3
"""Prints a libFuzzer dictionary of the words of the wire contract: dictionary.py PROTO_DIR."""
import pathlib
import re
import sys

words = set()
for path in pathlib.Path(sys.argv[1]).rglob("*.proto"):
    text = re.sub(r"//[^\n]*", "", path.read_text())
    words.update(re.findall(r"(\w+)\s*=\s*\d+", text))
for word in sorted(words):
    print(f'"\\"{word}\\""')
for word in ("{}", "[]", "true", "1e308", "-1", "0.001", "18446744073709551615", "@F", "@A", "@O",
             "@P", "@S", "@U", "@C", "GET ", "POST ", " HTTP/1.1", "Content-Type: ",
             "application/json", "application/x-protobuf", "Accept: ", "Mesos-Stream-Id: "):
    print(f'"{word}"')
print('"\\x0d\\x0a"')
print('"\\x0a%%\\x0a"')
