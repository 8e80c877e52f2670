-- Customers who were forgotten: hashes of their keys, which stay so that nobody brings a customer back. The token stands for
-- the key in recipients, and is known only until all traces are gone.
CREATE TABLE forgotten (
    hash TEXT PRIMARY KEY,
    token TEXT,
    asked_at BIGINT NOT NULL
);
