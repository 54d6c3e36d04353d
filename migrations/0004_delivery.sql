-- Argo CD applications that runs have declared. What a cluster says about them comes from the cluster; this is
-- what should be there, so that a cluster connected later can be given it.
CREATE TABLE application (
    id uuid NOT NULL CONSTRAINT application_pkey PRIMARY KEY,
    name text NOT NULL,
    environment text NOT NULL,
    cluster text NOT NULL,
    namespace text NOT NULL,
    project text NOT NULL,
    -- `host/owner/repository` of the repository that holds the chart.
    repository text NOT NULL,
    path text NOT NULL,
    value_files jsonb NOT NULL CONSTRAINT application_value_files_is_list CHECK (jsonb_typeof(value_files) = 'array'),
    -- Path of the Application manifest in the repository.
    manifest text,
    automated boolean NOT NULL,
    -- The run that declared it: a retry of that run adopts it, another run is refused.
    task uuid NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT application_name_is_unique UNIQUE (cluster, name)
);

CREATE INDEX application_by_repository ON application (repository);
