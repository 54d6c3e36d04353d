-- A registered location can be pointed at another target. The `Location` entity that stands for it keeps its name, which
-- is otherwise made from the target; null where it is.
ALTER TABLE catalog_location ADD COLUMN entity_name TEXT;
ALTER TABLE catalog_source ADD COLUMN entity_name TEXT;
