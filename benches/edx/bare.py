#!/usr/bin/env python3
"""What `scripts/bench-edx` is compared with: the same calls in the same order for each learner, so many at the same time, by a client that
does nothing else: no plan, no journal, no question whether an answer was lost. Prints the seconds that it took, and how long an
answer took in the middle.

usage: bare.py PORT DATABASE LEARNERS AT_ONCE
"""
import asyncio
import json
import sqlite3
import statistics
import sys
import time

port, database, learners, at_once = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
names = [row[0] for row in sqlite3.connect(database).execute("select original_username from user_api_userretirementstatus limit ?", (learners,))]
stages = {
    "FORUMS": "/api/discussion/v1/accounts/retire_forum/",
    "ENROLLMENTS": "/api/enrollment/v1/unenroll/",
    "NOTES": "/api/edxnotes/v1/retire_user/",
    "LMS_MISC": "/api/user/v1/accounts/retire_misc/",
    "LMS": "/api/user/v1/accounts/retire/",
}
took = []


async def call(reader, writer, method, path, body):
    begun, text = time.perf_counter(), json.dumps(body).encode()
    writer.write(f"{method} {path} HTTP/1.1\r\nhost: lms\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204"), head
    took.append(time.perf_counter() - begun)


async def worker():
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def move(name, state):
        path = "/api/user/v1/accounts/update_retirement_status/"
        await call(reader, writer, "PATCH", path, {"username": name, "new_state": state, "response": "bare"})

    while names:
        name = names.pop()
        for stage, path in stages.items():
            await move(name, f"RETIRING_{stage}")
            await call(reader, writer, "POST", path, {"username": name})
            await move(name, f"{stage}_COMPLETE")
        await move(name, "COMPLETE")
    writer.close()


async def main():
    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    print(f"{time.perf_counter() - begun:.2f} {statistics.median(took) * 1000:.1f}")


asyncio.run(main())
