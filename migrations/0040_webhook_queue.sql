-- Webhooks wait in the database for what follows from them, so that none is lost with the process that took it.

ALTER TABLE webhook_delivery
    -- The forge that it came from, and what of it matters; both only as long as it waits.
    ADD COLUMN host TEXT,
    ADD COLUMN told JSONB,
    -- How often a process began to follow it.
    ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0,
    -- When it is its turn; none if it does not wait (any more).
    ADD COLUMN due_at TIMESTAMPTZ,
    -- Until when a process has it in hand; it lets go by itself should the process die.
    ADD COLUMN claimed_until TIMESTAMPTZ,
    -- Why it could not be followed the last time.
    ADD COLUMN error TEXT,
    ADD CONSTRAINT webhook_delivery_told_ck CHECK (due_at IS NULL OR (host IS NOT NULL AND told IS NOT NULL));

CREATE INDEX webhook_delivery_due_at_ix ON webhook_delivery (due_at) WHERE due_at IS NOT NULL;
