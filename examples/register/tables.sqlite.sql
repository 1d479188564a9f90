-- The tables of Register (2025) that the playbooks read or write, for SQLite. `tables.postgres.sql` and
-- `tables.mysql.sql` are the same for the others: change all three, or the playbooks stop running unchanged on all of them.
-- SQLite has no types of these names; the engine decodes a value by the declared name (boolean, date, timestamp, json,
-- uuid). Timestamps are text of the form 'YYYY-MM-DD HH:MM:SS.ffffff', without a zone, in UTC.

create table academic_cycles (
  id integer primary key autoincrement,
  start_date date not null,
  end_date date not null,
  created_at timestamp not null,
  updated_at timestamp not null
);

create table allocation_subjects (
  id integer primary key autoincrement,
  name varchar not null unique,
  deprecated_on date,
  created_at timestamp not null,
  updated_at timestamp not null
);

create table subject_specialisms (
  id integer primary key autoincrement,
  name citext collate nocase not null unique,
  hecos_code varchar,
  allocation_subject_id bigint not null references allocation_subjects,
  created_at timestamp not null,
  updated_at timestamp not null
);

create table providers (
  id integer primary key autoincrement,
  name varchar not null,
  code varchar,
  ukprn varchar,
  accreditation_id varchar unique,
  accredited boolean not null default true,
  apply_sync_enabled boolean default false,
  dttp_id uuid unique,
  discarded_at timestamp,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_providers_on_discarded_at on providers (discarded_at);

create table users (
  id integer primary key autoincrement,
  first_name varchar not null,
  last_name varchar not null,
  email varchar not null,
  dttp_id uuid,
  system_admin boolean default false,
  read_only boolean default false,
  discarded_at timestamp,
  created_at timestamp not null,
  updated_at timestamp not null
);
create unique index index_unique_active_users on users (email) where discarded_at is null;
create unique index index_users_on_dttp_id on users (dttp_id) where discarded_at is null;

create table provider_users (
  id integer primary key autoincrement,
  provider_id bigint not null references providers,
  user_id bigint not null references users,
  created_at timestamp not null,
  updated_at timestamp not null,
  unique (provider_id, user_id)
);

create table schools (
  id integer primary key autoincrement,
  urn varchar not null unique,
  name varchar not null,
  postcode varchar,
  town varchar,
  open_date date,
  close_date date,
  created_at timestamp not null,
  updated_at timestamp not null
);

-- Called training_partners since December 2025. Not audited.
create table lead_partners (
  id integer primary key autoincrement,
  urn citext collate nocase unique,
  record_type varchar not null,
  name varchar,
  ukprn citext collate nocase unique,
  school_id bigint unique references schools,
  provider_id bigint unique references providers,
  discarded_at timestamp,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_lead_partners_on_discarded_at on lead_partners (discarded_at);

-- No index forbids the same pair twice: only the procedure can.
create table lead_partner_users (
  id integer primary key autoincrement,
  lead_partner_id bigint not null references lead_partners,
  user_id bigint not null references users,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_lead_partner_users_on_lead_partner_id on lead_partner_users (lead_partner_id);
create index index_lead_partner_users_on_user_id on lead_partner_users (user_id);

create table apply_applications (
  id integer primary key autoincrement,
  apply_id integer not null unique,
  application json,
  invalid_data json,
  state integer,
  accredited_body_code varchar,
  recruitment_cycle_year integer,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_apply_applications_on_accredited_body_code on apply_applications (accredited_body_code);
create index index_apply_applications_on_recruitment_cycle_year on apply_applications (recruitment_cycle_year);

create table apply_application_sync_requests (
  id integer primary key autoincrement,
  response_code integer,
  successful boolean,
  recruitment_cycle_year integer,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_apply_application_sync_requests_on_recruitment_cycle_year on apply_application_sync_requests (recruitment_cycle_year);

create table trainees (
  id integer primary key autoincrement,
  slug citext collate nocase not null unique,
  provider_id bigint not null references providers,
  provider_trainee_id text,
  first_names text,
  middle_names text,
  last_name text,
  email text,
  date_of_birth date,
  trn varchar,
  hesa_id varchar,
  state integer default 0,
  training_route integer,
  progress json default '{}',
  submission_ready boolean default false,
  created_at timestamp not null,
  updated_at timestamp not null,
  submitted_for_trn_at timestamp,
  recommended_for_award_at timestamp,
  awarded_at timestamp,
  withdraw_date timestamp,
  discarded_at timestamp,
  hesa_updated_at timestamp,
  slug_sent_to_dqt_at timestamp,
  outcome_date date,
  itt_start_date date,
  itt_end_date date,
  trainee_start_date date,
  defer_date date,
  reinstate_date date,
  course_uuid uuid,
  course_education_phase integer,
  course_subject_one text,
  course_subject_two text,
  course_subject_three text,
  course_min_age integer,
  course_max_age integer,
  course_allocation_subject_id bigint references allocation_subjects,
  study_mode integer,
  training_initiative integer,
  bursary_tier integer,
  applying_for_bursary boolean,
  applying_for_scholarship boolean,
  applying_for_grant boolean,
  placement_detail integer,
  lead_partner_id bigint references lead_partners,
  lead_partner_not_applicable boolean default false,
  lead_school_id bigint references schools, -- of 2021; lead_partner_id took its place
  employing_school_id bigint references schools,
  employing_school_not_applicable boolean default false,
  apply_application_id bigint references apply_applications,
  application_choice_id integer,
  record_source varchar,
  start_academic_cycle_id bigint references academic_cycles,
  end_academic_cycle_id bigint references academic_cycles,
  withdraw_reasons_details varchar,
  withdraw_reasons_dfe_details varchar,
  dttp_id uuid,
  placement_assignment_dttp_id uuid,
  dormancy_dttp_id uuid,
  dttp_update_sha varchar,
  iqts_country varchar,
  hesa_editable boolean default false
);
create index index_trainees_on_provider_id on trainees (provider_id);
create index index_trainees_on_state on trainees (state);
create index index_trainees_on_discarded_at on trainees (discarded_at);

create table trainee_withdrawals (
  id integer primary key autoincrement,
  trainee_id bigint not null references trainees,
  date date,
  "trigger" text check ("trigger" in ('provider', 'trainee')),
  another_reason varchar,
  future_interest text check (future_interest in ('yes', 'no', 'unknown')),
  discarded_at timestamp,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_trainee_withdrawals_on_trainee_id on trainee_withdrawals (trainee_id);
create index index_trainee_withdrawals_on_discarded_at on trainee_withdrawals (discarded_at);

create table withdrawal_reasons (
  id integer primary key autoincrement,
  name varchar unique,
  created_at timestamp not null,
  updated_at timestamp not null
);

create table trainee_withdrawal_reasons (
  id integer primary key autoincrement,
  trainee_id bigint references trainees,
  trainee_withdrawal_id bigint references trainee_withdrawals,
  withdrawal_reason_id bigint not null references withdrawal_reasons,
  created_at timestamp not null,
  updated_at timestamp not null,
  unique (trainee_id, withdrawal_reason_id),
  unique (trainee_withdrawal_id, withdrawal_reason_id)
);

create table placements (
  id integer primary key autoincrement,
  trainee_id bigint references trainees,
  school_id bigint references schools,
  urn varchar,
  name varchar,
  address text,
  postcode varchar,
  slug citext collate nocase,
  created_at timestamp not null,
  updated_at timestamp not null,
  unique (slug, trainee_id)
);
create index index_placements_on_trainee_id on placements (trainee_id);

create table degrees (
  id integer primary key autoincrement,
  trainee_id bigint not null references trainees,
  slug citext collate nocase not null unique,
  locale_code integer not null,
  institution varchar,
  institution_uuid uuid,
  uk_degree varchar,
  uk_degree_uuid uuid,
  subject varchar,
  subject_uuid uuid,
  grade varchar,
  grade_uuid uuid,
  graduation_year integer,
  country varchar,
  dttp_id uuid,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_degrees_on_trainee_id on degrees (trainee_id);

create table dqt_trn_requests (
  id integer primary key autoincrement,
  trainee_id bigint not null references trainees,
  request_id uuid not null unique,
  response json,
  state integer default 0,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_dqt_trn_requests_on_trainee_id on dqt_trn_requests (trainee_id);

-- A copy of what DQT knew last Monday at two in the morning: never compare with this, ask DQT.
create table dqt_teachers (
  id integer primary key autoincrement,
  trn varchar,
  first_name varchar,
  last_name varchar,
  date_of_birth varchar,
  qts_date varchar,
  eyts_date varchar,
  early_years_status_name varchar,
  early_years_status_value varchar,
  hesa_id varchar,
  allowed_pii_updates boolean not null default false,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_dqt_teachers_on_trn on dqt_teachers (trn);

create table dqt_teacher_trainings (
  id integer primary key autoincrement,
  dqt_teacher_id bigint not null references dqt_teachers,
  programme_start_date varchar,
  programme_end_date varchar,
  programme_type varchar,
  result varchar,
  provider_ukprn varchar,
  hesa_id varchar,
  active boolean,
  created_at timestamp not null,
  updated_at timestamp not null
);
create index index_dqt_teacher_trainings_on_dqt_teacher_id on dqt_teacher_trainings (dqt_teacher_id);

-- Of 2021: DTTP's schools, copied every night at four. A URN may be there twice.
create table dttp_schools (
  id integer primary key autoincrement,
  name varchar,
  dttp_id varchar unique,
  urn varchar,
  status_code integer,
  created_at timestamp not null default current_timestamp,
  updated_at timestamp not null
);
create index index_dttp_schools_on_urn on dttp_schools (urn);

-- The application's own audit trail (the Ruby gem `audited` 5.8). No foreign keys, and no unique version: only the
-- procedure can guarantee that a change and its audit row belong together.
create table audits (
  id integer primary key autoincrement,
  auditable_id integer,
  auditable_type varchar,
  associated_id integer,
  associated_type varchar,
  user_id integer,
  user_type varchar,
  username varchar,
  action varchar,
  audited_changes json,
  version integer default 0,
  comment varchar,
  remote_address varchar,
  request_uuid varchar,
  created_at timestamp
);
create index associated_index on audits (associated_type, associated_id);
create index auditable_index on audits (auditable_type, auditable_id, version);
create index index_audits_on_created_at on audits (created_at);
create index index_audits_on_request_uuid on audits (request_uuid);
create index user_index on audits (user_id, user_type);

-- New rows start above every id in rows.sql and in the playbooks' tests, with the same ids as on PostgreSQL.
insert into sqlite_sequence (name, seq) values
  ('academic_cycles', 100000),
  ('allocation_subjects', 100000),
  ('subject_specialisms', 100000),
  ('providers', 100000),
  ('users', 100000),
  ('trainees', 100000),
  ('trainee_withdrawals', 100000),
  ('withdrawal_reasons', 100000),
  ('trainee_withdrawal_reasons', 100000),
  ('placements', 100000),
  ('degrees', 100000),
  ('dqt_trn_requests', 100000),
  ('provider_users', 100000),
  ('schools', 100000),
  ('lead_partners', 100000),
  ('lead_partner_users', 100000),
  ('apply_applications', 100000),
  ('apply_application_sync_requests', 100000),
  ('dqt_teachers', 100000),
  ('dqt_teacher_trainings', 100000),
  ('dttp_schools', 100000),
  ('audits', 100000);
