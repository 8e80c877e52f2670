-- The platforms' ids of lists. A renamed group keeps its list.
CREATE TABLE lists (
    destination TEXT NOT NULL,
    campaign TEXT NOT NULL,
    treatment_group TEXT NOT NULL,
    list_id TEXT NOT NULL,
    remembered_at BIGINT NOT NULL,
    PRIMARY KEY (destination, campaign, treatment_group)
);
