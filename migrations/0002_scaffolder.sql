-- The scaffolder: runs with their log, what they made outside, and forms that are not finished.
-- Documents are JSON, not JSONB: the order of keys is the author's.

-- A run. Whoever works on it renews last_heartbeat_at; secrets are kept until it ends and not longer.
CREATE TABLE scaffolder_task (
    id UUID NOT NULL,
    template TEXT NOT NULL,
    -- What the API shows: steps, parameters, user, template.
    spec JSON NOT NULL,
    -- What the run needs besides: on whose behalf, where the template is.
    job JSON NOT NULL,
    secrets JSON,
    status TEXT NOT NULL,
    created_by TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    last_heartbeat_at TIMESTAMPTZ NOT NULL,
    worker UUID,
    cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT scaffolder_task_pk PRIMARY KEY (id),
    CONSTRAINT scaffolder_task_status_check CHECK (status IN ('open', 'processing', 'completed', 'failed', 'cancelled'))
);

CREATE INDEX scaffolder_task_open_idx ON scaffolder_task (created_at, id) WHERE status = 'open';
CREATE INDEX scaffolder_task_processing_idx ON scaffolder_task (last_heartbeat_at) WHERE status = 'processing';
CREATE INDEX scaffolder_task_created_idx ON scaffolder_task (created_at DESC, id DESC);
CREATE INDEX scaffolder_task_template_idx ON scaffolder_task (template, created_at DESC);

-- What runs said, in the order they said it. One counter over all runs, as in Backstage.
CREATE TABLE scaffolder_event (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    task UUID NOT NULL,
    kind TEXT NOT NULL,
    body JSON NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT scaffolder_event_pk PRIMARY KEY (id),
    CONSTRAINT scaffolder_event_task_fk FOREIGN KEY (task) REFERENCES scaffolder_task (id) ON DELETE CASCADE
);

CREATE INDEX scaffolder_event_task_idx ON scaffolder_event (task, id);

-- What a run noted about its outside effects, so that another attempt neither repeats nor forgets them.
CREATE TABLE scaffolder_ledger (
    task UUID NOT NULL,
    step TEXT NOT NULL,
    key TEXT NOT NULL,
    value JSON NOT NULL,
    -- What exists since then, in words: "repository acme/payments-api".
    made TEXT,
    noted_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT scaffolder_ledger_pk PRIMARY KEY (task, step, key),
    CONSTRAINT scaffolder_ledger_task_fk FOREIGN KEY (task) REFERENCES scaffolder_task (id) ON DELETE CASCADE
);

-- A form that somebody is filling in. Its id becomes the run's, so one form gives one run.
CREATE TABLE scaffolder_draft (
    id UUID NOT NULL,
    template TEXT NOT NULL,
    owner TEXT NOT NULL,
    answers JSON NOT NULL,
    secrets JSON NOT NULL,
    -- The pages that were answered: their defaults are not filled in again.
    answered INTEGER[] NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT scaffolder_draft_pk PRIMARY KEY (id)
);

CREATE INDEX scaffolder_draft_updated_idx ON scaffolder_draft (updated_at);
