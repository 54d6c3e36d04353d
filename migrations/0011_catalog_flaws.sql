-- What is wrong in a file, remembered with it: while the file stays the same it need not be parsed to be told again. A list;
-- null where another reading of the same text could find something else.
ALTER TABLE catalog_file ADD COLUMN flaws JSON;
