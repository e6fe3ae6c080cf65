//! Durable storage: the ledger and its state on SQLite.
