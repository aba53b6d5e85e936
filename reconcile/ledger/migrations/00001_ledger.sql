-- +goose Up
-- Types and statements are those that SQLite and PostgreSQL both know. Times are
-- microseconds since 1970 in UTC; 0 is "never".

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Numbers come from here and not from the tables, so that none is given twice,
-- whatever retention removed.
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('pass', 0), ('artifact', 0), ('message', 0), ('audit', 0), ('term', 0);

CREATE TABLE deliveries (
    id           TEXT   NOT NULL PRIMARY KEY,
    forge        TEXT   NOT NULL,
    event        TEXT   NOT NULL,
    repo         TEXT   NOT NULL,
    ref          TEXT   NOT NULL,
    pull_request BIGINT NOT NULL,
    received     BIGINT NOT NULL,
    status       TEXT   NOT NULL -- pending, handled, failed
);
CREATE INDEX deliveries_pending ON deliveries (received) WHERE status = 'pending';
CREATE INDEX deliveries_received ON deliveries (received);

CREATE TABLE passes (
    pass   BIGINT NOT NULL PRIMARY KEY,
    app    TEXT   NOT NULL,
    hash   TEXT   NOT NULL, -- of the revision; empty: none was known
    ended  BIGINT NOT NULL, -- 0: running
    result TEXT   NOT NULL  -- JSON of reconcile.Result
);
CREATE INDEX passes_app ON passes (app, pass);
CREATE INDEX passes_hash ON passes (hash);
CREATE INDEX passes_open ON passes (pass) WHERE ended = 0;

-- The flags are people's and configuration's, the JSON is the pass's: neither
-- writes the other's columns.
CREATE TABLE states (
    app          TEXT    NOT NULL PRIMARY KEY,
    state        TEXT    NOT NULL, -- JSON of reconcile.State without the flags
    paused_by    TEXT    NOT NULL DEFAULT '',
    paused_since BIGINT  NOT NULL DEFAULT 0,
    orphaned     BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE artifacts (
    id     BIGINT NOT NULL PRIMARY KEY,
    app    TEXT   NOT NULL,
    sealed BYTEA  NOT NULL
);
CREATE INDEX artifacts_app ON artifacts (app, id);

CREATE TABLE outbox (
    kind      TEXT   NOT NULL,
    repo      TEXT   NOT NULL,
    hash      TEXT   NOT NULL,
    context   TEXT   NOT NULL,
    id        BIGINT NOT NULL, -- changes when a newer message takes the place
    message   TEXT   NOT NULL, -- JSON of reconcile.Message
    due       BIGINT NOT NULL,
    attempts  BIGINT NOT NULL DEFAULT 0,
    attempted BIGINT NOT NULL DEFAULT 0, -- 0: nothing of this key can have been sent unnoticed
    reason    TEXT   NOT NULL DEFAULT '', -- of the last deferral
    PRIMARY KEY (kind, repo, hash, context)
);
CREATE UNIQUE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_due ON outbox (due, id);

CREATE TABLE sent_statuses (
    kind        TEXT   NOT NULL,
    repo        TEXT   NOT NULL,
    hash        TEXT   NOT NULL,
    context     TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    description TEXT   NOT NULL,
    receipt     TEXT   NOT NULL,
    sent        BIGINT NOT NULL,
    PRIMARY KEY (kind, repo, hash, context)
);
CREATE INDEX sent_statuses_sent ON sent_statuses (sent);

CREATE TABLE audit (
    id     BIGINT NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL,
    who    TEXT   NOT NULL,
    what   TEXT   NOT NULL,
    app    TEXT   NOT NULL,
    detail TEXT   NOT NULL
);
CREATE INDEX audit_app ON audit (app, id);
CREATE INDEX audit_at ON audit (at);
