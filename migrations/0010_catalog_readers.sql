-- Who reads a source, and for whom: claims of those who read now, and providers, which find out by themselves what there
-- is to be read.

ALTER TABLE catalog_source
    -- A claim is short and renewed while the reader lives, by that reader alone.
    ADD COLUMN claimed_by UUID,
    -- Its reading asks a provider, which only a process that knows the provider can do.
    ADD COLUMN is_provider BOOLEAN NOT NULL DEFAULT FALSE;

-- The sources that a provider found.
CREATE TABLE catalog_provided (
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    CONSTRAINT catalog_provided_pk PRIMARY KEY (provider, reference),
    CONSTRAINT catalog_provided_provider_fk FOREIGN KEY (provider) REFERENCES catalog_source (reference) ON DELETE CASCADE,
    CONSTRAINT catalog_provided_reference_fk FOREIGN KEY (reference) REFERENCES catalog_source (reference) ON DELETE CASCADE
);

CREATE INDEX catalog_provided_reference_ix ON catalog_provided (reference);
