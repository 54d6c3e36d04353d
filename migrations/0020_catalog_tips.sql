-- Where providers saw the branches of repositories: a source of such a branch is read without asking where it is now.

ALTER TABLE catalog_provided
    -- The commit, when it was seen, and how long that is taken for true.
    ADD COLUMN tip TEXT,
    ADD COLUMN tip_seen_at TIMESTAMPTZ,
    ADD COLUMN tip_until TIMESTAMPTZ,
    -- Whether the provider does not know if anything is there.
    ADD COLUMN is_optional BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE catalog_source
    -- When its last reading that asked by itself began: a tip that was seen before is older than what was read.
    ADD COLUMN asked_at TIMESTAMPTZ;

-- Which sources lead to the files of a repository.
CREATE INDEX catalog_file_location_ix ON catalog_file (location COLLATE "C");
