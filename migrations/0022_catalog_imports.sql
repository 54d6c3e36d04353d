-- Imports: what somebody asked to be registered, and the pull requests that bring descriptors to repositories.

CREATE TABLE catalog_import (
    id         uuid NOT NULL,
    -- The address that was looked at.
    target     text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT catalog_import_pkey PRIMARY KEY (id)
);
CREATE INDEX catalog_import_created_at_idx ON catalog_import (created_at);

CREATE TABLE catalog_import_item (
    id            uuid NOT NULL,
    import_id     uuid NOT NULL,
    -- Its place in the list.
    place         integer NOT NULL,
    host          text NOT NULL,
    -- `owner/name`
    repository    text NOT NULL,
    path          text NOT NULL,
    -- Of a location that is registered: its target.
    target        text,
    -- Of a descriptor that is proposed: its text.
    content       text,
    -- waiting → registered; waiting → open → merged or closed; failed, until somebody tries again.
    state         text NOT NULL,
    pull_request  bigint,
    -- Why it failed, or why it still waits.
    message       text,
    attempts      integer NOT NULL DEFAULT 0,
    -- When it is looked at next, and until when a process has it in hand.
    due_at        timestamptz NOT NULL,
    claimed_until timestamptz,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT catalog_import_item_pkey PRIMARY KEY (id),
    CONSTRAINT catalog_import_item_import_id_fkey FOREIGN KEY (import_id) REFERENCES catalog_import (id) ON DELETE CASCADE,
    CONSTRAINT catalog_import_item_state_check CHECK (state IN ('waiting', 'registered', 'open', 'merged', 'closed', 'failed')),
    CONSTRAINT catalog_import_item_work_check CHECK ((target IS NULL) <> (content IS NULL))
);
CREATE INDEX catalog_import_item_import_id_idx ON catalog_import_item (import_id);
CREATE INDEX catalog_import_item_due_at_idx ON catalog_import_item (due_at) WHERE state IN ('waiting', 'open');
