-- Which run a call with an `Idempotency-Key` began, so that the same call begins no second one.
CREATE TABLE calls (
    key TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX calls_by_time ON calls (at);
