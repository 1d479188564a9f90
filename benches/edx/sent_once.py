#!/usr/bin/env python3
"""What `scripts/bench-edx` asks of the journal and of the LMS when the run is over: the LMS had nothing to refuse; no effect was attempted
again after its outcome was recorded; and what the LMS was asked more than once has as many attempts in the journal.

usage: sent_once.py JOURNAL TOLD
"""
import collections
import json
import sqlite3
import sys
import urllib.parse



def text_of(stored):
    """A payload as it was before it was stored (docs/design/journal.md, "The file"): 4, four bytes of length, a block of LZ4."""
    if stored[:1] != b"\x04":
        return stored
    block, at, text = stored[5:], 0, bytearray()

    def length(nibble):
        nonlocal at
        more = nibble == 15
        while more:
            nibble += block[at]
            more = block[at] == 255
            at += 1
        return nibble

    while at < len(block):
        token = block[at]
        at += 1
        literals = length(token >> 4)
        text += block[at : at + literals]
        at += literals
        if at < len(block):
            back = int.from_bytes(block[at : at + 2], "little")
            at += 2
            for _ in range(length(token & 15) + 4):
                text.append(text[-back])
    return bytes(text)


journal, told = sqlite3.connect(sys.argv[1]), json.load(open(sys.argv[2]))
service = {
    "/api/discussion/v1/accounts/retire_forum/": "/forum",
    "/api/enrollment/v1/unenroll/": "/unenroll",
    "/api/edxnotes/v1/retire_user/": "/student_notes",
    "/api/user/v1/accounts/retire_misc/": "/misc",
    "/api/user/v1/accounts/retire/": "/account",
}
attempts, over, wrong = collections.Counter(), set(), []
for (payload,) in journal.execute("select bytes from payloads where run in (select id from runs where purpose = 'apply') order by run, seq"):
    event = json.loads(text_of(payload))
    of = event["of"]
    if event["event"] == "step.attempt":
        for one in of["attempts"]:
            # run/item/step/generation, each part escaped as in an address
            _, item, step, generation = (urllib.parse.unquote(part) for part in one["effect"].split("/"))
            attempts[item, step] += 1
            if (item, step, int(generation)) in over:
                wrong.append(f"{step} of {item} was attempted again after its outcome was recorded")
    elif event["event"] == "step.outcome":
        for one in of["outcomes"]:
            if one["outcome"] != "not_done":
                over.add((one["item"], of["step"], one.get("generation", 0)))
for call, times in told["again"].items():
    path, item = call.split(" ")
    sent = sum(n for (key, step), n in attempts.items() if key == item and step.endswith(service[path]))
    if sent < times:
        wrong.append(f"{path} was called {times} times for {item}, and the journal has {sent} attempts")
if told["refused"]:
    wrong.append(f"the LMS refused {told['refused']} calls")
if not attempts:
    wrong.append("the journal has no attempts: what was looked at?")
for line in wrong[:20]:
    print(line, file=sys.stderr)
print(
    f"{told['asked']} calls, {told['services']} of services; {len(told['again'])} sent again because no answer was recorded, "
    f"none after one was" if not wrong else f"{len(wrong)} findings"
)
sys.exit(1 if wrong else 0)
