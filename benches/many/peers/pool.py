"""The work W(N) as somebody writes it by hand: psycopg, a pool of connections, a thread each. `pool.py URL CONNECTIONS`"""

import sys
import threading
import psycopg

url, connections = sys.argv[1], int(sys.argv[2])
with psycopg.connect(url, autocommit=True) as first:
    ids = [row[0] for row in first.execute("select id from trainees where state = 3 and training_route = 1 order by id")]
lock = threading.Lock()


def following():
    with lock:
        return ids.pop() if ids else None


def work():
    with psycopg.connect(url, autocommit=True) as connection:
        while (trainee := following()) is not None:
            row = connection.execute("select * from trainees where id = %s", (trainee,)).fetchone()
            outcome = "drifted"
            if row is not None and row[2] == 3:
                with connection.transaction():
                    changed = connection.execute(
                        "update trainees set training_route = 2, dqt_synced_at = now(), updated_at = now() where id = %s and state = 3",
                        (trainee,),
                    ).rowcount
                    if changed == 1:
                        connection.execute(
                            "insert into audits (record_type, record_id, action, changes, comment, created_at)"
                            " values ('Trainee', %s, 'update', '{\"training_route\":[1,2]}', 'bench', now())",
                            (trainee,),
                        )
                after = connection.execute("select training_route from trainees where id = %s", (trainee,)).fetchone()
                outcome = "changed" if after == (2,) else "failed"
            connection.execute("insert into records (item, outcome) values (%s, %s)", (trainee, outcome))


threads = [threading.Thread(target=work) for _ in range(connections)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
