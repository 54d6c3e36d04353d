-- Who reads a source: a claim is short and renewed while the reader lives, by that reader alone.
ALTER TABLE catalog_source ADD COLUMN claimed_by UUID;
