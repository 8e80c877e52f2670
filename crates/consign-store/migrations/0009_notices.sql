-- Of which ends of runs, and of which times of schedules, was decided who is told. A run that is retried ends again.
CREATE TABLE announced (
    run TEXT NOT NULL,
    what TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (run, what, at)
);

-- What ended before anybody could be told is told to nobody.
INSERT INTO announced (run, what, at) SELECT id, 'end', finished_at FROM runs WHERE finished_at IS NOT NULL;
INSERT INTO announced (run, what, at) SELECT run, 'time', due FROM occurrences WHERE state <> 'claimed';

-- What somebody is to be told, until it is accepted or given up.
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    notification TEXT NOT NULL,
    run TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    state TEXT NOT NULL,
    error TEXT
);
CREATE INDEX notices_by_state ON notices (state, due);
