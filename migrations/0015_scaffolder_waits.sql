-- Runs that wait for somebody or something, without a worker: until wake_at, or until they are woken. One that is woken
-- while a worker still has it is open again when that worker lets go of it.
ALTER TABLE scaffolder_task DROP CONSTRAINT scaffolder_task_status_check;
ALTER TABLE scaffolder_task ADD CONSTRAINT scaffolder_task_status_check
    CHECK (status IN ('open', 'processing', 'waiting', 'completed', 'failed', 'cancelled'));
ALTER TABLE scaffolder_task ADD COLUMN wake_at TIMESTAMPTZ;
ALTER TABLE scaffolder_task ADD COLUMN woken BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX scaffolder_task_waiting_idx ON scaffolder_task (wake_at) WHERE status = 'waiting';
