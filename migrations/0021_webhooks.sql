-- Webhooks that were taken, so that none is taken twice, whichever process it reaches.

CREATE TABLE webhook_delivery (
    -- The sender's id of the delivery; the same when it is delivered again.
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- Hash of a payload that cannot come twice: the id is not signed.
    digest TEXT,
    received_at TIMESTAMPTZ NOT NULL,
    -- When its effect was there; none if the process that took it ended before, or could not follow it.
    done_at TIMESTAMPTZ,
    CONSTRAINT webhook_delivery_pk PRIMARY KEY (id),
    CONSTRAINT webhook_delivery_digest_uq UNIQUE (digest)
);

CREATE INDEX webhook_delivery_received_at_ix ON webhook_delivery (received_at);
