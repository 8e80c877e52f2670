-- The one data folder with the files of the runs that are here: a run may not be gone on with where they are not.
CREATE TABLE data_folder (
    id TEXT PRIMARY KEY,
    path TEXT NOT NULL
);
