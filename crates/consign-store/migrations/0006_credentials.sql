-- Credentials that definitions refer to as `stored:NAME`. What is sealed is hexadecimal: both databases take text alike.
CREATE TABLE credentials (
    name TEXT PRIMARY KEY,
    sealed TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    set_by TEXT NOT NULL
);
