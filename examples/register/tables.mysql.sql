-- The tables of Register (2025) that the playbooks read or write, for MySQL and MariaDB: the service itself runs on
-- PostgreSQL, and this is what its tables would be here. `tables.postgres.sql` and `tables.sqlite.sql` are the same for
-- the others: change all three, or the playbooks stop running unchanged on all of them.
-- Texts in columns that PostgreSQL calls citext are compared without case, all others with it.

set session sql_mode = concat(@@sql_mode, ',ANSI_QUOTES'); -- rows.sql writes names as the other databases do

create table academic_cycles (
  id bigint auto_increment primary key,
  start_date date not null,
  end_date date not null,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;

create table allocation_subjects (
  id bigint auto_increment primary key,
  name varchar(255) not null unique,
  deprecated_on date,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;

create table subject_specialisms (
  id bigint auto_increment primary key,
  name varchar(255) collate utf8mb4_general_ci not null unique,
  hecos_code varchar(255),
  allocation_subject_id bigint not null references allocation_subjects (id),
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;

create table providers (
  id bigint auto_increment primary key,
  name varchar(255) not null,
  code varchar(255),
  ukprn varchar(255),
  accreditation_id varchar(255) unique,
  accredited boolean not null default true,
  apply_sync_enabled boolean default false,
  dttp_id uuid unique,
  discarded_at datetime(6),
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_providers_on_discarded_at on providers (discarded_at);

create table users (
  id bigint auto_increment primary key,
  first_name varchar(255) not null,
  last_name varchar(255) not null,
  email varchar(255) not null,
  dttp_id uuid,
  system_admin boolean default false,
  read_only boolean default false,
  discarded_at datetime(6),
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
-- MySQL has no index over a part of the rows: that users who are not discarded have an address of their own is left to
-- the application here.
create index index_unique_active_users on users (email);

create table provider_users (
  id bigint auto_increment primary key,
  provider_id bigint not null references providers (id),
  user_id bigint not null references users (id),
  created_at datetime(6) not null,
  updated_at datetime(6) not null,
  unique (provider_id, user_id)
) default charset utf8mb4 collate utf8mb4_bin;

create table schools (
  id bigint auto_increment primary key,
  urn varchar(255) not null unique,
  name varchar(255) not null,
  postcode varchar(255),
  town varchar(255),
  open_date date,
  close_date date,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;

-- Called training_partners since December 2025. Not audited.
create table lead_partners (
  id bigint auto_increment primary key,
  urn varchar(255) collate utf8mb4_general_ci unique,
  record_type varchar(255) not null,
  name varchar(255),
  ukprn varchar(255) collate utf8mb4_general_ci unique,
  school_id bigint unique references schools (id),
  provider_id bigint unique references providers (id),
  discarded_at datetime(6),
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_lead_partners_on_discarded_at on lead_partners (discarded_at);

-- No index forbids the same pair twice: only the procedure can.
create table lead_partner_users (
  id bigint auto_increment primary key,
  lead_partner_id bigint not null references lead_partners (id),
  user_id bigint not null references users (id),
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_lead_partner_users_on_lead_partner_id on lead_partner_users (lead_partner_id);
create index index_lead_partner_users_on_user_id on lead_partner_users (user_id);

create table apply_applications (
  id bigint auto_increment primary key,
  apply_id integer not null unique,
  application json,
  invalid_data json,
  state integer,
  accredited_body_code varchar(255),
  recruitment_cycle_year integer,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_apply_applications_on_accredited_body_code on apply_applications (accredited_body_code);
create index index_apply_applications_on_recruitment_cycle_year on apply_applications (recruitment_cycle_year);

create table apply_application_sync_requests (
  id bigint auto_increment primary key,
  response_code integer,
  successful boolean,
  recruitment_cycle_year integer,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_apply_application_sync_requests_on_recruitment_cycle_year on apply_application_sync_requests (recruitment_cycle_year);

create table trainees (
  id bigint auto_increment primary key,
  slug varchar(255) collate utf8mb4_general_ci not null unique,
  provider_id bigint not null references providers (id),
  provider_trainee_id text,
  first_names text,
  middle_names text,
  last_name text,
  email text,
  date_of_birth date,
  trn varchar(255),
  hesa_id varchar(255),
  state integer default 0,
  training_route integer,
  progress json default '{}',
  submission_ready boolean default false,
  created_at datetime(6) not null,
  updated_at datetime(6) not null,
  submitted_for_trn_at datetime(6),
  recommended_for_award_at datetime(6),
  awarded_at datetime(6),
  withdraw_date datetime(6),
  discarded_at datetime(6),
  hesa_updated_at datetime(6),
  slug_sent_to_dqt_at datetime(6),
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
  course_allocation_subject_id bigint references allocation_subjects (id),
  study_mode integer,
  training_initiative integer,
  bursary_tier integer,
  applying_for_bursary boolean,
  applying_for_scholarship boolean,
  applying_for_grant boolean,
  placement_detail integer,
  lead_partner_id bigint references lead_partners (id),
  lead_partner_not_applicable boolean default false,
  lead_school_id bigint references schools (id), -- of 2021; lead_partner_id took its place
  employing_school_id bigint references schools (id),
  employing_school_not_applicable boolean default false,
  apply_application_id bigint references apply_applications (id),
  application_choice_id integer,
  record_source varchar(255),
  start_academic_cycle_id bigint references academic_cycles (id),
  end_academic_cycle_id bigint references academic_cycles (id),
  withdraw_reasons_details varchar(255),
  withdraw_reasons_dfe_details varchar(255),
  dttp_id uuid,
  placement_assignment_dttp_id uuid,
  dormancy_dttp_id uuid,
  dttp_update_sha varchar(255),
  iqts_country varchar(255),
  hesa_editable boolean default false
) default charset utf8mb4 collate utf8mb4_bin;
create index index_trainees_on_provider_id on trainees (provider_id);
create index index_trainees_on_state on trainees (state);
create index index_trainees_on_discarded_at on trainees (discarded_at);

create table trainee_withdrawals (
  id bigint auto_increment primary key,
  trainee_id bigint not null references trainees (id),
  date date,
  `trigger` enum('provider', 'trainee'),
  another_reason varchar(255),
  future_interest enum('yes', 'no', 'unknown'),
  discarded_at datetime(6),
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_trainee_withdrawals_on_trainee_id on trainee_withdrawals (trainee_id);
create index index_trainee_withdrawals_on_discarded_at on trainee_withdrawals (discarded_at);

create table withdrawal_reasons (
  id bigint auto_increment primary key,
  name varchar(255) unique,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;

create table trainee_withdrawal_reasons (
  id bigint auto_increment primary key,
  trainee_id bigint references trainees (id),
  trainee_withdrawal_id bigint references trainee_withdrawals (id),
  withdrawal_reason_id bigint not null references withdrawal_reasons (id),
  created_at datetime(6) not null,
  updated_at datetime(6) not null,
  unique (trainee_id, withdrawal_reason_id),
  unique (trainee_withdrawal_id, withdrawal_reason_id)
) default charset utf8mb4 collate utf8mb4_bin;

create table placements (
  id bigint auto_increment primary key,
  trainee_id bigint references trainees (id),
  school_id bigint references schools (id),
  urn varchar(255),
  name varchar(255),
  address text,
  postcode varchar(255),
  slug varchar(255) collate utf8mb4_general_ci,
  created_at datetime(6) not null,
  updated_at datetime(6) not null,
  unique (slug, trainee_id)
) default charset utf8mb4 collate utf8mb4_bin;
create index index_placements_on_trainee_id on placements (trainee_id);

create table degrees (
  id bigint auto_increment primary key,
  trainee_id bigint not null references trainees (id),
  slug varchar(255) collate utf8mb4_general_ci not null unique,
  locale_code integer not null,
  institution varchar(255),
  institution_uuid uuid,
  uk_degree varchar(255),
  uk_degree_uuid uuid,
  subject varchar(255),
  subject_uuid uuid,
  grade varchar(255),
  grade_uuid uuid,
  graduation_year integer,
  country varchar(255),
  dttp_id uuid,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_degrees_on_trainee_id on degrees (trainee_id);

create table dqt_trn_requests (
  id bigint auto_increment primary key,
  trainee_id bigint not null references trainees (id),
  request_id uuid not null unique,
  response json,
  state integer default 0,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_dqt_trn_requests_on_trainee_id on dqt_trn_requests (trainee_id);

-- A copy of what DQT knew last Monday at two in the morning: never compare with this, ask DQT.
create table dqt_teachers (
  id bigint auto_increment primary key,
  trn varchar(255),
  first_name varchar(255),
  last_name varchar(255),
  date_of_birth varchar(255),
  qts_date varchar(255),
  eyts_date varchar(255),
  early_years_status_name varchar(255),
  early_years_status_value varchar(255),
  hesa_id varchar(255),
  allowed_pii_updates boolean not null default false,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_dqt_teachers_on_trn on dqt_teachers (trn);

create table dqt_teacher_trainings (
  id bigint auto_increment primary key,
  dqt_teacher_id bigint not null references dqt_teachers (id),
  programme_start_date varchar(255),
  programme_end_date varchar(255),
  programme_type varchar(255),
  result varchar(255),
  provider_ukprn varchar(255),
  hesa_id varchar(255),
  active boolean,
  created_at datetime(6) not null,
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_dqt_teacher_trainings_on_dqt_teacher_id on dqt_teacher_trainings (dqt_teacher_id);

-- Of 2021: DTTP's schools, copied every night at four. A URN may be there twice.
create table dttp_schools (
  id bigint auto_increment primary key,
  name varchar(255),
  dttp_id varchar(255) unique,
  urn varchar(255),
  status_code integer,
  created_at datetime(6) not null default current_timestamp(6),
  updated_at datetime(6) not null
) default charset utf8mb4 collate utf8mb4_bin;
create index index_dttp_schools_on_urn on dttp_schools (urn);

-- The application's own audit trail (the Ruby gem `audited` 5.8). No foreign keys, and no unique version: only the
-- procedure can guarantee that a change and its audit row belong together.
create table audits (
  id bigint auto_increment primary key,
  auditable_id integer,
  auditable_type varchar(255),
  associated_id integer,
  associated_type varchar(255),
  user_id integer,
  user_type varchar(255),
  username varchar(255),
  action varchar(255),
  audited_changes json,
  version integer default 0,
  comment varchar(255),
  remote_address varchar(255),
  request_uuid varchar(255),
  created_at datetime(6)
) default charset utf8mb4 collate utf8mb4_bin;
create index associated_index on audits (associated_type, associated_id);
create index auditable_index on audits (auditable_type, auditable_id, version);
create index index_audits_on_created_at on audits (created_at);
create index index_audits_on_request_uuid on audits (request_uuid);
create index user_index on audits (user_id, user_type);

-- New rows start above every id in rows.sql and in the playbooks' tests, so nothing has to be reset after loading.
alter table academic_cycles auto_increment = 100001;
alter table allocation_subjects auto_increment = 100001;
alter table subject_specialisms auto_increment = 100001;
alter table providers auto_increment = 100001;
alter table users auto_increment = 100001;
alter table trainees auto_increment = 100001;
alter table trainee_withdrawals auto_increment = 100001;
alter table withdrawal_reasons auto_increment = 100001;
alter table trainee_withdrawal_reasons auto_increment = 100001;
alter table placements auto_increment = 100001;
alter table degrees auto_increment = 100001;
alter table dqt_trn_requests auto_increment = 100001;
alter table provider_users auto_increment = 100001;
alter table schools auto_increment = 100001;
alter table lead_partners auto_increment = 100001;
alter table lead_partner_users auto_increment = 100001;
alter table apply_applications auto_increment = 100001;
alter table apply_application_sync_requests auto_increment = 100001;
alter table dqt_teachers auto_increment = 100001;
alter table dqt_teacher_trainings auto_increment = 100001;
alter table dttp_schools auto_increment = 100001;
alter table audits auto_increment = 100001;
