#!/usr/bin/env python3
"""Writes seeds for the fuzzers from the recorded bytes: seeds.py OUT_DIR; then minimise them into
the corpora: build/fuzz/bin/NAME_fuzz -merge=1 tests/fuzz/corpus/NAME OUT_DIR/NAME."""
import json
import pathlib
import re
import sys

from sessions import AGENT_SESSIONS, MASTER_SESSIONS

TRACES = pathlib.Path(__file__).parent.parent / "traces"
OUT = pathlib.Path(sys.argv[1])
BYTES_MAX = 4000
STEP_END = b"\n%%\n"


def write(fuzzer: str, name: str, data: bytes) -> None:
    (OUT / fuzzer).mkdir(parents=True, exist_ok=True)
    (OUT / fuzzer / name.replace("/", "-")).write_bytes(data[:BYTES_MAX])


def body_of(message: bytes) -> tuple[bytes, bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return head, body
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        count = int(size or b"0", 16)
        if count == 0:
            break
        whole += body[:count]
        body = body[count + 2:]
    return head, whole


def records_of(body: bytes) -> list[bytes]:
    records = []
    while b"\n" in body:
        size, _, body = body.partition(b"\n")
        records.append(body[:int(size)])
        body = body[int(size):]
    return records


def general(text: bytes, side: str) -> bytes:
    """The ids of a recording, as those of the session that a fuzzer plays."""
    uuid = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    text = re.sub(uuid + rb"-S\d+", b"@A", text)
    text = re.sub(uuid + rb"-O\d+", b"@O", text)
    text = re.sub(uuid + rb"-\d{4}", b"@F", text)
    if side == "agent":
        for recorded, ours in ((b"executor-1", b"e"), (b'"one"', b'"t1"'), (b'"two"', b'"t2"')):
            text = text.replace(recorded, ours)
    else:
        text = re.sub(rb'"uuid": ?"[^"]+"', b'"uuid":"@U"', text)
    return re.sub(rb"(Mesos-Stream-Id: )" + uuid, rb"\1@S", text)


MASTER_NAMES = ["h:1", "http://h:1/", "master@h:1", "file:///etc/m", "zk://u:p@h1:1,[::1]:2/a/b",
                "zk://u:pa/ss@h:1/a", "https://h:1", "zk://h:1/a/../b"]
MASTER_INFO = (b'{"address":{"hostname":"h","ip":"127.0.0.1","port":5050},"hostname":"h","id":"m","ip":'
               b'16777343,"pid":"master@127.0.0.1:5050","port":5050,"version":"1.11.0"}')


def write_sessions() -> None:
    for side, sessions in (("master", MASTER_SESSIONS), ("agent", AGENT_SESSIONS)):
        for number, steps in enumerate(sessions):
            write(side + "_http", f"session-{number}", STEP_END.join(step.encode() for step in steps))


def write_names_and_nodes() -> None:
    for number, name in enumerate(MASTER_NAMES):
        write("zookeeper", f"name-{number}", b"\x00" + name.encode())
    nodes = [b"json.info_0000000002 " + MASTER_INFO, b"0000000003 master@127.0.0.1:5050",
             b"info_0000000001 \x0a\x01m\x10\xff\x01\x18\xba\x27", b"log_replicas "]
    write("zookeeper", "nodes", b"\x01" + STEP_END.join(nodes))
    for folder in sorted((TRACES / "zookeeper").iterdir()):
        recorded = [path.name.removeprefix("mesos__").removesuffix(".data").encode() + b" "
                    + path.read_bytes() for path in sorted(folder.glob("mesos__*.data"))]
        write("zookeeper", folder.name, b"\x01" + STEP_END.join(recorded))


def main() -> None:
    write_sessions()
    write_names_and_nodes()
    sessions: dict[tuple[str, str], list[bytes]] = {}
    for path in sorted(TRACES.glob("*/*.request")):
        group, name = path.parent.name, path.parent.name + "-" + path.stem
        request = path.read_bytes()
        head, body = body_of(request)
        write("http", name + "-request", b"\x00" + request)
        side = "agent" if group.startswith("executor") or b"/slave" in head else "master"
        word = b"http-agent " if side == "agent" else b"http "
        if len(request) < 1500:
            write(side + "_http", name, word + general(request, side))
        call = re.sub(rb"\s+", b" ", general(body, side)) if body.startswith(b"{") else None
        if call is None:
            continue
        kind = 2 if side == "agent" else 4 if group == "operator" else 0
        write("json", name, bytes([kind]) + body)
        verb = {2: b"executor ", 4: b"operator "}.get(kind, b"call ")
        sessions.setdefault((group, side), []).append(verb + call)
        write(side + "_http", name + "-protobuf",
              (verb.strip() + b"-protobuf " if kind != 4 else verb) + call)
    for (group, side), steps in sessions.items():
        for at in range(0, len(steps), 6):
            chunk = [step for step in steps[at:at + 6] if len(step) < 1500]
            write(side + "_http", f"{group}-session-{at}",
                  STEP_END.join(step + STEP_END + b"wait 2000" for step in chunk))
    for path in sorted(TRACES.glob("*/*.response")):
        name = path.parent.name + "-" + path.stem
        head, body = body_of(path.read_bytes())
        write("http", name + "-response", b"\x00" + path.read_bytes())
        if b"chunked" not in head or not re.match(rb"\d+\n", body):
            continue
        write("record_io", name, b"\x05" + body)
        kind = 3 if path.parent.name.startswith("executor") else 1
        for number, record in enumerate(records_of(body)[:12]):
            isJson = record.startswith(b"{")
            write("json", f"{name}-{number}", bytes([kind + (0 if isJson else 0x85)]) + record)
    for number, text in enumerate(
            ["cpus:2;mem:2048;disk:4096;ports:[31000-32000];cpus(r):1;mem(r):256",
             "ports:[1-3,5-7]|ports:[2-2]", "zones:{a,b}|zones:{b}", "cpus(a/b):0.125|cpus:0.1",
             "cpus:0.1;cpus:0.2|cpus:0.3", "x:[0-18446744073709551615]"]):
        write("resources", str(number), text.encode())


main()
