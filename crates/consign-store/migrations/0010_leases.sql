-- Who works on what. The token grows each time that somebody takes a lease, so a row stays when its lease is over.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    token BIGINT NOT NULL,
    owner TEXT NOT NULL,
    machine TEXT,
    until BIGINT NOT NULL
);
