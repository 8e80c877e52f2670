-- The versions of the definitions with which a campaign's schedule began, but for the campaign's first version.
CREATE TABLE schedules (
    campaign TEXT NOT NULL,
    definitions_version BIGINT NOT NULL REFERENCES definitions (version),
    PRIMARY KEY (campaign, definitions_version)
);

-- The times of schedules that somebody took on. The run has its id from the beginning, so that nobody runs it twice.
CREATE TABLE occurrences (
    run TEXT PRIMARY KEY,
    campaign TEXT NOT NULL,
    schedule BIGINT NOT NULL REFERENCES definitions (version),
    due BIGINT NOT NULL,
    missed BIGINT NOT NULL,
    late BIGINT NOT NULL,
    claimed_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    UNIQUE (campaign, schedule, due)
);

ALTER TABLE runs ADD COLUMN staged_deleted_at BIGINT;
