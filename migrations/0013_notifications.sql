-- What people are told: by steps of runs so far.

CREATE TABLE notifications (
    id          uuid NOT NULL,
    -- References of users and groups; null is everybody.
    recipients  text[],
    -- Who says it: `plugin:scaffolder`.
    origin      text NOT NULL,
    title       text NOT NULL,
    description text,
    link        text,
    severity    text NOT NULL,
    -- A later notification of the same origin and scope replaces this one.
    scope       text,
    created_at  timestamptz NOT NULL,
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_severity_check CHECK (severity IN ('low', 'normal', 'high', 'critical'))
);
CREATE INDEX notifications_created_at_idx ON notifications (created_at);
CREATE INDEX notifications_recipients_idx ON notifications USING gin (recipients);
CREATE INDEX notifications_scope_idx ON notifications (origin, scope) WHERE scope IS NOT NULL;

-- Who has read what.
CREATE TABLE notification_reads (
    notification_id uuid NOT NULL,
    user_ref        text NOT NULL,
    read_at         timestamptz NOT NULL,
    CONSTRAINT notification_reads_pkey PRIMARY KEY (notification_id, user_ref),
    CONSTRAINT notification_reads_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES notifications (id) ON DELETE CASCADE
);
