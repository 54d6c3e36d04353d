-- The catalog: what is read (locations, sources), what it declares (entities), what is wrong with it (problems), and
-- the log of every change, which each process follows to keep its index. Writers hold one advisory lock, so the
-- sequence numbers of the log become visible in their order.

-- Locations that somebody registered.
CREATE TABLE catalog_location (
    id UUID NOT NULL,
    reference TEXT NOT NULL,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT catalog_location_pk PRIMARY KEY (id),
    CONSTRAINT catalog_location_reference_uq UNIQUE (reference)
);

-- Root locations, registered or configured: when each is read next.
CREATE TABLE catalog_source (
    reference TEXT NOT NULL,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    is_configured BOOLEAN NOT NULL,
    -- Hash of what was declared; equal means that nothing needs to be written.
    digest TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    next_read_at TIMESTAMPTZ NOT NULL,
    claimed_until TIMESTAMPTZ,
    last_read_at TIMESTAMPTZ,
    CONSTRAINT catalog_source_pk PRIMARY KEY (reference)
);

CREATE INDEX catalog_source_next_read_at_ix ON catalog_source (next_read_at);

-- The last good version of every entity. JSON, not JSONB: the keys keep their order.
CREATE TABLE catalog_entity (
    reference TEXT NOT NULL,
    uid UUID NOT NULL,
    source TEXT NOT NULL,
    location TEXT NOT NULL,
    parent TEXT,
    document JSON NOT NULL,
    hash TEXT NOT NULL,
    errors JSON,
    is_orphan BOOLEAN NOT NULL DEFAULT FALSE,
    -- Templates only: where the fields were written, and the version of the file.
    positions JSON,
    version TEXT,
    changed_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT catalog_entity_pk PRIMARY KEY (reference),
    CONSTRAINT catalog_entity_uid_uq UNIQUE (uid),
    CONSTRAINT catalog_entity_source_fk FOREIGN KEY (source) REFERENCES catalog_source (reference)
);

CREATE INDEX catalog_entity_source_ix ON catalog_entity (source);

-- What is wrong now, by source.
CREATE TABLE catalog_problem (
    source TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    location TEXT NOT NULL,
    entity TEXT,
    kind TEXT,
    name TEXT,
    error_name TEXT NOT NULL,
    message TEXT NOT NULL,
    pointer TEXT NOT NULL,
    line INTEGER,
    "column" INTEGER,
    since TIMESTAMPTZ NOT NULL,
    CONSTRAINT catalog_problem_pk PRIMARY KEY (source, ordinal),
    CONSTRAINT catalog_problem_source_fk FOREIGN KEY (source) REFERENCES catalog_source (reference) ON DELETE CASCADE
);

-- Every change of every entity.
CREATE TABLE catalog_change (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    reference TEXT NOT NULL,
    operation TEXT NOT NULL,
    uid UUID NOT NULL,
    document JSON,
    source TEXT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT catalog_change_pk PRIMARY KEY (sequence),
    CONSTRAINT catalog_change_operation_ck CHECK (operation IN ('insert', 'update', 'status', 'delete'))
);

CREATE INDEX catalog_change_reference_ix ON catalog_change (reference, sequence);
