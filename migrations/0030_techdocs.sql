-- Documentation sites: what was read last, so that no process has to read it again, and its text by heading.

CREATE SEQUENCE techdocs_revision AS bigint;

CREATE TABLE techdocs_site (
    -- The folder of mkdocs.yml: `url:https://…/tree/main/docs`, `file:/srv/docs`.
    source        text NOT NULL,
    -- The commit that was read, and a hash of what was in it; null until something could be read.
    version       text,
    digest        text,
    -- Moves with every change of the digest.
    revision      bigint NOT NULL DEFAULT nextval('techdocs_revision'),
    -- mkdocs.yml, where its files can be seen, and what is wrong with it.
    config        text,
    place         jsonb NOT NULL DEFAULT '{}',
    problems      jsonb NOT NULL DEFAULT '[]',
    -- When its last change was made, if its repository says so.
    changed_at    timestamptz,
    read_at       timestamptz,
    -- The last look at the source, and why that failed.
    asked_at      timestamptz,
    failure       text,
    failures      integer NOT NULL DEFAULT 0,
    -- When an entity last referred to it.
    wanted_at     timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    claimed_until timestamptz,
    CONSTRAINT techdocs_site_pkey PRIMARY KEY (source)
);
CREATE INDEX techdocs_site_due_at_idx ON techdocs_site (due_at);

CREATE TABLE techdocs_file (
    source  text NOT NULL,
    -- Below the folder of docs; what only is included has `beside` set and is below the folder of mkdocs.yml.
    beside  boolean NOT NULL,
    path    text NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT techdocs_file_pkey PRIMARY KEY (source, beside, path),
    CONSTRAINT techdocs_file_source_fkey FOREIGN KEY (source) REFERENCES techdocs_site (source) ON DELETE CASCADE
);

CREATE TABLE techdocs_section (
    source  text NOT NULL,
    place   integer NOT NULL,
    -- The page's address below the site, its title, the heading, its anchor, the words below it.
    path    text NOT NULL,
    title   text NOT NULL,
    heading text NOT NULL,
    anchor  text NOT NULL,
    body    text NOT NULL,
    CONSTRAINT techdocs_section_pkey PRIMARY KEY (source, place),
    CONSTRAINT techdocs_section_source_fkey FOREIGN KEY (source) REFERENCES techdocs_site (source) ON DELETE CASCADE
);
