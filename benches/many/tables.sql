create table trainees (
  id bigserial primary key, slug text unique, state integer not null, training_route integer not null, first_names text,
  last_name text, email text, trn text, provider_id bigint, start_date date, end_date date, withdrawn_at timestamp(6),
  awarded_at timestamp(6), created_at timestamp(6) not null default now(), dqt_synced_at timestamp(6), updated_at timestamp(6) not null default now()
);
create table audits (id bigserial primary key, record_type text, record_id bigint, action text, changes json, comment text, created_at timestamp(6));
create index on audits (record_id);
