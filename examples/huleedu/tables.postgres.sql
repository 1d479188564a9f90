-- The tables of the batch orchestrator service (HuleEdu, 2025) that the retry of a phase reads or writes, for PostgreSQL. Names,
-- types and null rules as in the service's models_db.py; `json`, not `jsonb`, as SQLAlchemy makes it. `tables.sqlite.sql` and
-- `tables.mysql.sql` are the same for the others.

create type batch_status_enum as enum ('awaiting_content_validation', 'content_ingestion_failed', 'awaiting_pipeline_configuration',
  'ready_for_pipeline_execution', 'processing_pipelines', 'completed_successfully', 'completed_with_failures', 'failed_critically', 'cancelled');
create type pipeline_phase_enum as enum ('spellcheck', 'ai_feedback', 'cj_assessment', 'nlp');
create type phase_status_enum as enum ('pending', 'initiated', 'in_progress', 'completed', 'failed', 'cancelled');

create table batches (
  id varchar(36) primary key,
  correlation_id varchar(36) not null,
  name varchar(255) not null,
  description text,
  status batch_status_enum not null default 'awaiting_content_validation',
  requested_pipelines json,
  pipeline_configuration json,
  total_essays integer,
  processed_essays integer not null default 0,
  version integer not null default 1,
  created_at timestamp(6) not null,
  updated_at timestamp(6) not null,
  completed_at timestamp(6),
  processing_metadata json,
  error_details json
);

create table phase_status_log (
  id bigserial primary key,
  batch_id varchar(36) not null references batches on delete cascade,
  phase pipeline_phase_enum not null,
  status phase_status_enum not null,
  phase_started_at timestamp(6),
  phase_completed_at timestamp(6),
  essays_processed integer,
  essays_failed integer,
  error_message text,
  error_details json,
  correlation_id varchar(36)
);

create table batch_essays (
  id bigserial primary key,
  batch_id varchar(36) not null references batches on delete cascade,
  essay_id varchar(36) not null,
  content_reference json not null
);

-- Not a table of the service: what Kafka holds, so that the sandbox has events to look at.
create table sandbox_records (
  id bigserial primary key,
  topic varchar(200) not null,
  at_offset integer not null,
  message text not null
);
