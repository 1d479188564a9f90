//! A journal on a PostgreSQL server: settings, rights, other schemas, and a server that goes away.
