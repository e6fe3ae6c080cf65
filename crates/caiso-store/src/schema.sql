-- The log. Only whole tiles are stored; partial ones follow from the leaves and the roots below.
CREATE TABLE leaf (
    seq INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    entry BLOB NOT NULL
) STRICT;
CREATE TABLE tile (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    root BLOB NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) STRICT;
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    note TEXT NOT NULL
) STRICT;
-- What the leaves commit to. A redaction deletes the row.
CREATE TABLE body (
    seq INTEGER PRIMARY KEY,
    salt BLOB NOT NULL,
    envelope BLOB NOT NULL
) STRICT;
-- State that changed with a leaf, which commits to the row.
CREATE TABLE evidence (
    seq INTEGER PRIMARY KEY,
    cache_key TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;
CREATE INDEX evidence_by_cache_key ON evidence (cache_key, seq);
CREATE TABLE attestation (
    seq INTEGER PRIMARY KEY,
    system TEXT NOT NULL,
    requirement TEXT NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    statement TEXT NOT NULL,
    evidence TEXT NOT NULL,
    expires TEXT
) STRICT;
CREATE INDEX attestation_by_system ON attestation (system, seq);
CREATE TABLE assessment (
    seq INTEGER PRIMARY KEY,
    system TEXT NOT NULL,
    report TEXT NOT NULL
) STRICT;
CREATE INDEX assessment_by_system ON assessment (system, seq);
-- A guard rail against mistakes; the security lies in hashes and signatures.
CREATE TRIGGER leaf_is_not_updated BEFORE UPDATE ON leaf
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER leaf_is_not_deleted BEFORE DELETE ON leaf
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER tile_is_not_updated BEFORE UPDATE ON tile
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER tile_is_not_deleted BEFORE DELETE ON tile
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER checkpoint_is_not_updated BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER checkpoint_is_not_deleted BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
