-- Which document of its file a problem is in, from 1: a line alone says little in a file of a hundred entities.
ALTER TABLE catalog_problem ADD COLUMN document INTEGER;
