-- Times are microseconds since 1970 in UTC; documents are JSON text. Only what SQLite and Postgres both take.

CREATE TABLE definitions (
    version BIGINT PRIMARY KEY,
    applied_at BIGINT NOT NULL,
    applied_by TEXT NOT NULL,
    folder TEXT NOT NULL,
    hash TEXT NOT NULL,
    content TEXT NOT NULL
);

-- A campaign's own version counts the changes of its definition alone.
CREATE TABLE campaign_versions (
    campaign TEXT NOT NULL,
    version BIGINT NOT NULL,
    definitions_version BIGINT NOT NULL REFERENCES definitions (version),
    hash TEXT NOT NULL,
    PRIMARY KEY (campaign, version)
);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    campaign TEXT NOT NULL,
    definitions_version BIGINT NOT NULL REFERENCES definitions (version),
    mode TEXT NOT NULL,
    as_of BIGINT NOT NULL,
    launch_date TEXT,
    state TEXT NOT NULL,
    outcome TEXT,
    error TEXT,
    audience TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT
);

-- One run of a campaign at a time.
CREATE UNIQUE INDEX unfinished_run ON runs (campaign) WHERE state <> 'finished';
CREATE INDEX runs_by_time ON runs (created_at);

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id),
    place BIGINT NOT NULL,
    sub_audience TEXT NOT NULL,
    treatment_group TEXT NOT NULL,
    destination TEXT NOT NULL,
    kind TEXT NOT NULL,
    list_name TEXT NOT NULL,
    state TEXT NOT NULL,
    counts TEXT,
    targets TEXT NOT NULL,
    error_class TEXT,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (run, place)
);

-- Appended to with each transition, never changed.
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs (id),
    sequence BIGINT NOT NULL,
    delivery TEXT REFERENCES deliveries (id),
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
);
