-- An application's values may be in another repository than its chart, as where one repository says what runs everywhere.

ALTER TABLE application
    -- `host/owner/repository` of the values files that begin with `$`; none where they are beside the chart.
    ADD COLUMN values_repository TEXT;
