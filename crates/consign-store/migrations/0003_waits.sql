-- Until when platforms limit deliveries. A destination at the sandbox has a name of its own, as in lists.
CREATE TABLE waits (
    delivery TEXT PRIMARY KEY REFERENCES deliveries (id),
    destination TEXT NOT NULL,
    until BIGINT NOT NULL
);
