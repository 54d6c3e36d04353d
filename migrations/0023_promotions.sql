-- Promotions: a version that is brought to an environment by a pull request, followed until it runs there.

CREATE TABLE promotion (
    id               uuid NOT NULL,
    -- The service's entity, and the application of Argo CD.
    entity           text NOT NULL,
    application      text NOT NULL,
    environment      text NOT NULL,
    -- Where the version was taken from; none where an older one of the same environment comes back.
    from_environment text,
    -- {image, tag, digest}
    before           jsonb NOT NULL,
    after            jsonb NOT NULL,
    -- host/owner/repository, and the file in it.
    repository       text NOT NULL,
    path             text NOT NULL,
    branch           text NOT NULL,
    pull_request     bigint NOT NULL,
    -- open → merged → healthy or failed; open → closed
    state            text NOT NULL,
    -- Why it failed, or how it goes.
    message          text,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL,
    approved_by      text,
    approved_at      timestamptz,
    merged_at        timestamptz,
    -- When the deployment was asked for, where that needs asking.
    asked_at         timestamptz,
    settled_at       timestamptz,
    -- Until when a process looks at it.
    claimed_until    timestamptz,
    CONSTRAINT promotion_pkey PRIMARY KEY (id),
    CONSTRAINT promotion_state_check CHECK (state IN ('open', 'merged', 'healthy', 'failed', 'closed'))
);
-- One at a time for an application.
CREATE UNIQUE INDEX promotion_is_alone_idx ON promotion (repository, application) WHERE state IN ('open', 'merged');
CREATE INDEX promotion_entity_idx ON promotion (entity, created_at DESC);
