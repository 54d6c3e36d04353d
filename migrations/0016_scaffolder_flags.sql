-- The feature flags that people switched on for themselves.
CREATE TABLE scaffolder_flag (
    user_ref TEXT NOT NULL,
    name     TEXT NOT NULL,
    CONSTRAINT scaffolder_flag_pkey PRIMARY KEY (user_ref, name)
);
