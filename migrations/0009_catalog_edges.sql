-- The relations that a document states, beside it: what starts a process need not know the model. A list of
-- [source, relation, target], in which the entity itself is the empty text; null until the entity is written again.
ALTER TABLE catalog_entity ADD COLUMN edges JSON;
