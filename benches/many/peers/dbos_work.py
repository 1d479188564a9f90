"""The work W(N) on DBOS Transact: a workflow for each item on a queue, each step recorded. `dbos_work.py URL`"""

import sys
from dbos import DBOS, Queue
import psycopg
from psycopg_pool import ConnectionPool

url = sys.argv[1]
DBOS(config={"name": "bench", "system_database_url": url.replace("postgres://", "postgresql+psycopg://"), "log_level": "ERROR"})
pool = ConnectionPool(url, min_size=8, max_size=8, kwargs={"autocommit": True})
queue = Queue("items", concurrency=8)


@DBOS.step()
def look(trainee):
    with pool.connection() as connection:
        return connection.execute("select state from trainees where id = %s", (trainee,)).fetchone()[0]


@DBOS.step()
def change(trainee):
    with pool.connection() as connection, connection.transaction():
        connection.execute(
            "update trainees set training_route = 2, dqt_synced_at = now(), updated_at = now() where id = %s and state = 3", (trainee,)
        )
        connection.execute(
            "insert into audits (record_type, record_id, action, changes, comment, created_at)"
            " values ('Trainee', %s, 'update', '{\"training_route\":[1,2]}', 'bench', now())",
            (trainee,),
        )


@DBOS.step()
def verify(trainee):
    with pool.connection() as connection:
        return connection.execute("select training_route from trainees where id = %s", (trainee,)).fetchone()[0]


@DBOS.workflow()
def item(trainee):
    if look(trainee) == 3:
        change(trainee)
        return verify(trainee)


DBOS.launch()
with psycopg.connect(url) as connection:
    ids = [row[0] for row in connection.execute("select id from trainees where state = 3 and training_route = 1 order by id")]
for handle in [queue.enqueue(item, trainee) for trainee in ids]:
    handle.get_result()
DBOS.destroy()
