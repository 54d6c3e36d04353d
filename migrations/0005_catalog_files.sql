-- What was seen of every file of a source, so that only what changed is read again; and how far the change log reaches.

-- A file that a source led to. It is not read again while its stamp, and those of what its placeholders brought in, stay.
CREATE TABLE catalog_file (
    source TEXT NOT NULL,
    location TEXT NOT NULL,
    -- The Location entity that led to it.
    parent TEXT NOT NULL,
    -- What tells cheaply that the file is the same: times and size, ETag, commit. None if nothing does.
    stamp TEXT,
    -- Equal versions are equal contents.
    version TEXT NOT NULL,
    -- Hash of the rules under which its entities were made.
    context TEXT NOT NULL,
    -- The files that placeholders brought in.
    includes JSON NOT NULL,
    entities INTEGER NOT NULL,
    -- Whether everything in it was taken. What was not is looked at again.
    is_whole BOOLEAN NOT NULL,
    CONSTRAINT catalog_file_pk PRIMARY KEY (source, location),
    CONSTRAINT catalog_file_source_fk FOREIGN KEY (source) REFERENCES catalog_source (reference) ON DELETE CASCADE
);

ALTER TABLE catalog_source
    -- Grows with everything that happens to the source, so that a reading that others overtook is not written.
    ADD COLUMN revision BIGINT NOT NULL DEFAULT 0,
    -- Its last reading took long: it waits in a smaller queue, so that others need not.
    ADD COLUMN is_slow BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX catalog_entity_location_ix ON catalog_entity (source, location);
CREATE INDEX catalog_entity_locations_ix ON catalog_entity (source) WHERE reference LIKE 'location:%';

-- The newest change that was removed from the log although nothing newer tells what it told. One row.
CREATE TABLE catalog_sweep (
    is_only BOOLEAN NOT NULL DEFAULT TRUE,
    floor BIGINT NOT NULL,
    CONSTRAINT catalog_sweep_pk PRIMARY KEY (is_only),
    CONSTRAINT catalog_sweep_is_only_check CHECK (is_only)
);
INSERT INTO catalog_sweep (floor) VALUES (0);

CREATE INDEX catalog_change_changed_at_ix ON catalog_change (changed_at);
