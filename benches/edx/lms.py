#!/usr/bin/env python3
"""The LMS of `scripts/bench-edx`: every answer takes 20 ms, as many at the same time as are asked for. It keeps the states in memory,
checks their order as the LMS does, and writes each into the database. What is asked is done after half of the time, whether or not anybody
still waits for the answer: who is killed meanwhile leaves something that was done without having heard of it.
Each number behind tells of a moment: when so many calls have come in, it says so. At the end it says how often each service was called for each learner, and how many updates it had to refuse.

usage: lms.py DATABASE DELAY_MS [CALLS …]
"""
import asyncio
import json
import signal
import sqlite3
import sys

database, delay = sys.argv[1], float(sys.argv[2]) / 1000
moments = sorted(int(number) for number in sys.argv[3:])
db = sqlite3.connect(database, isolation_level=None)
db.execute("pragma journal_mode = wal")
db.execute("pragma synchronous = off")
db.execute("pragma busy_timeout = 5000")
order = dict(db.execute("select state_name, state_execution_order from user_api_retirementstate"))
ids = dict(db.execute("select state_name, id from user_api_retirementstate"))
state = dict(
    db.execute("select original_username, state_name from user_api_userretirementstatus s join user_api_retirementstate r on r.id = s.current_state_id")
)
rows = dict(db.execute("select original_username, id from user_api_userretirementstatus"))
calls, refused, asked = {}, 0, 0


def answer(method, path, body):
    global refused, asked
    asked += 1
    while moments and asked >= moments[0]:
        print("at", moments.pop(0), flush=True)
    if path == "/oauth2/access_token":
        return 200, {"access_token": "bench", "expires_in": 3600, "token_type": "JWT"}
    given = json.loads(body)
    name = given["username"]
    if method == "PATCH":
        new = given["new_state"]
        if order[new] <= order[state[name]]:
            refused += 1
            return 400, f"{new} does not exist or is an eariler state than current state {state[name]} (step {order[state[name]]})"
        last, state[name] = state[name], new
        db.execute(
            "update user_api_userretirementstatus set current_state_id = ?, last_state_id = ?, responses = responses || ? where id = ?",
            (
                ids[new],
                ids[last],
                f"\n Moved from {last} (step {order[last]}) to {new} (step {order[new]}):\n{given['response']}\n",
                rows[name],
            ),
        )
        return 204, None
    if not state[name].startswith("RETIRING_"):
        refused += 1
        return 400, "not a valid state to perform retirement actions on."
    key = (path, name)
    calls[key] = calls.get(key, 0) + 1
    return 204, None


class Call(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            lines = head.split(b"\r\n")
            length = next((int(l.split(b":")[1]) for l in lines if l.lower().startswith(b"content-length:")), 0)
            if len(rest) < length:
                return
            body, self.buffer = rest[:length], rest[length:]
            method, path, _ = lines[0].decode().split(" ", 2)
            loop = asyncio.get_running_loop()
            asked = loop.time()
            loop.call_at(asked + delay / 2, self.do, asked, method, path, body)

    def do(self, asked, method, path, body):
        # By the clock of the call: that the first half took a little longer does not make the second one late as well.
        asyncio.get_running_loop().call_at(asked + delay, self.reply, *answer(method, path, body))

    def reply(self, status, value):
        if self.transport.is_closing():
            return
        text = b"" if value is None else json.dumps(value).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        self.transport.write(head.encode() + text)


async def main():
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, lambda: over.done() or over.set_result(None))
    server = await loop.create_server(Call, "127.0.0.1", 0, backlog=512)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await over
    server.close()
    again = {f"{path} {rows[name]}": times for (path, name), times in calls.items() if times > 1}
    print(json.dumps({"asked": asked, "refused": refused, "services": len(calls), "again": again}), flush=True)


asyncio.run(main())
