-- How many workers took a run since somebody last started it: a run that ends every server that takes it is given up.
ALTER TABLE scaffolder_task ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
