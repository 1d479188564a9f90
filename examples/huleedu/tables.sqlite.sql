-- The tables of the batch orchestrator service that the retry of a phase reads or writes, for SQLite; `tables.postgres.sql` says
-- what they really are. Change all three.

create table batches (
  id varchar(36) primary key,
  correlation_id varchar(36) not null,
  name varchar(255) not null,
  description text,
  status varchar(40) not null default 'awaiting_content_validation',
  requested_pipelines json,
  pipeline_configuration json,
  total_essays integer,
  processed_essays integer not null default 0,
  version integer not null default 1,
  created_at timestamp not null,
  updated_at timestamp not null,
  completed_at timestamp,
  processing_metadata json,
  error_details json
);

create table phase_status_log (
  id integer primary key autoincrement,
  batch_id varchar(36) not null references batches on delete cascade,
  phase varchar(20) not null,
  status varchar(20) not null,
  phase_started_at timestamp,
  phase_completed_at timestamp,
  essays_processed integer,
  essays_failed integer,
  error_message text,
  error_details json,
  correlation_id varchar(36)
);

create table batch_essays (
  id integer primary key autoincrement,
  batch_id varchar(36) not null references batches on delete cascade,
  essay_id varchar(36) not null,
  content_reference json not null
);

-- Not a table of the service: what Kafka holds, so that the sandbox has events to look at.
create table sandbox_records (
  id integer primary key autoincrement,
  topic varchar(200) not null,
  at_offset integer not null,
  message text not null
);
