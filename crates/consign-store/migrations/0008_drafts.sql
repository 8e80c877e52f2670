-- What somebody is making of a campaign and has not published. It may be invalid, so it is kept as it was sent.
CREATE TABLE drafts (
    campaign TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    version BIGINT NOT NULL,
    edited_at BIGINT NOT NULL,
    edited_by TEXT NOT NULL
);
