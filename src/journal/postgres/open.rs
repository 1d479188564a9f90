//! Opening a journal on a server, or making one: rights, format, and the settings on which durability rests.

use super::Server;
use crate::{
    base::{seal::Sealer, world::World},
    connection::PostgresAddress,
    journal::{
        Journal,
        failure::JournalError,
        postgres::schema,
        sql::Sql,
        store::{Opened, Store},
    },
};
use std::sync::Arc;

/// Key of the advisory lock under which the tables are made: `trueup`.
const MAKING: &str = "SELECT pg_advisory_xact_lock(128018096943472)";

impl Journal {
    /// Opens the journal in this database, in the schema `trueup_journal`, which is made if it is missing. Refuses a server
    /// that only reads or does not sync, a schema of another kind and one of a later format.
    pub async fn connect(address: PostgresAddress, world: World, sealer: Sealer) -> Result<Journal, JournalError> {
        let mut server = Server::new(address, world.clone());
        let mut warnings = Vec::new();
        let meta = match server.meta().await? {
            Some(meta) if meta.format < schema::FORMAT => {
                warnings.push(format!(
                    "{} had format {} and was brought to format {}; earlier versions of trueup refuse it from now on",
                    server.place,
                    meta.format,
                    schema::FORMAT
                ));
                server.in_one_go(&world, &sealer).await?
            }
            Some(meta) => meta,
            None => server.in_one_go(&world, &sealer).await?,
        };
        if let (Some(wanted), Some(found)) = (meta.key, sealer.key_id())
            && wanted != found
        {
            let place = (*server.place).clone();
            return Err(JournalError::OtherKey { place, wanted, found: found.to_owned() });
        }
        let id = meta.id;
        let place = server.place.clone();
        Ok(Journal::of(
            Opened { store: Store::Server(Box::new(server)), place, id, file: None, warnings },
            world,
            sealer,
        ))
    }
}

/// What the journal says about itself.
struct Meta {
    id: uuid::Uuid,
    /// Id of the key with which its personal values are sealed.
    key: Option<String>,
    /// The format of its tables.
    format: i64,
}

fn only(postgres: &'static str) -> Sql {
    Sql { sqlite: "", postgres }
}

impl Server {
    /// After everything was looked at; nothing when there are no tables yet.
    async fn meta(&mut self) -> Result<Option<Meta>, JournalError> {
        self.settings().await?;
        let there = "SELECT to_regclass('trueup_journal.meta') IS NOT NULL,
                            EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                    WHERE n.nspname = 'trueup_journal')";
        let rows = self.rows(only(there), &[]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        match (row.truth(0)?, row.truth(1)?) {
            (false, false) => return Ok(None),
            (false, true) => return Err(self.not_a_journal("it holds the tables of another program")),
            (true, _) => {}
        }
        let meta = self.rows(only("SELECT journal, format, seal_key FROM meta WHERE one = 1"), &[]).await?;
        let Some(meta) = meta.first() else { return Err(self.not_a_journal("its description is missing")) };
        let (id, format) = (meta.text(0)?, meta.int(1)?);
        if format > schema::FORMAT {
            let place = (*self.place).clone();
            return Err(JournalError::Newer { place, found: format, known: schema::FORMAT });
        }
        let id = id.parse().map_err(|_| self.not_a_journal("its description holds no id"))?;
        Ok(Some(Meta { id, key: meta.maybe_text(2)?, format }))
    }

    /// Read back, because what stands in between (a pooler) may not have passed them on.
    async fn settings(&mut self) -> Result<(), JournalError> {
        let ask = "SELECT pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('fsync'),
                          current_setting('search_path')";
        let rows = self.rows(only(ask), &[]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let place = || (*self.place).clone();
        if row.truth(0)? {
            return Err(JournalError::ReadOnly { place: place() });
        }
        for (at, setting, wanted) in
            [(1, "synchronous_commit", "on"), (2, "fsync", "on"), (3, "search_path", super::PATH)]
        {
            let found = row.text(at)?;
            if found != wanted {
                return Err(JournalError::NotDurable { place: place(), setting, found });
            }
        }
        Ok(())
    }

    fn not_a_journal(&self, why: &str) -> JournalError {
        JournalError::NotAJournal { place: (*self.place).clone(), why: why.into() }
    }

    /// Makes the tables, or brings them to the present format, in one transaction, under a lock: of two processes that do so at
    /// the same time, the second finds what the first one did.
    async fn in_one_go(&mut self, world: &World, sealer: &Sealer) -> Result<Meta, JournalError> {
        self.execute(only("BEGIN"), &[]).await?;
        let made = self.make_inside(world, sealer).await;
        let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = self.execute(only(end), &[]).await;
        let meta = made?;
        ended?;
        Ok(meta)
    }

    async fn bring_up(&mut self, meta: Meta) -> Result<Meta, JournalError> {
        if meta.format < 3 {
            for statement in schema::FROM_2_TO_3 {
                self.execute(only(statement), &[]).await?;
            }
        }
        let format = schema::FORMAT;
        self.execute(only("UPDATE meta SET format = $1 WHERE one = 1"), &[format.into()]).await?;
        Ok(Meta { format, ..meta })
    }

    async fn make_inside(&mut self, world: &World, sealer: &Sealer) -> Result<Meta, JournalError> {
        self.rows(only(MAKING), &[]).await?;
        if let Some(meta) = self.meta().await? {
            return self.bring_up(meta).await;
        }
        let there = self.rows(only("SELECT 1 FROM pg_namespace WHERE nspname = 'trueup_journal'"), &[]).await?;
        if there.is_empty() {
            self.execute(only(schema::SCHEMA), &[]).await?;
        }
        for statement in schema::STATEMENTS {
            self.execute(only(statement), &[]).await?;
        }
        let id = world.id();
        let fill = "INSERT INTO meta (one, journal, format, made_at, seal_key) VALUES (1, $1, $2, $3, $4)";
        let text = id.to_string();
        self.execute(
            only(fill),
            &[(&text).into(), schema::FORMAT.into(), world.now().micros.into(), sealer.key_id().into()],
        )
        .await?;
        Ok(Meta { id, key: sealer.key_id().map(str::to_owned), format: schema::FORMAT })
    }
}

impl Server {
    pub(super) fn new(address: PostgresAddress, world: World) -> Server {
        let place = Arc::new(crate::journal::failure::Place::Server(address.shown().to_owned()));
        Server { place, address, world, connection: None, opened: false, waited: false }
    }
}
