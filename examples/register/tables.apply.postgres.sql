-- Of the database of "Apply for teacher training": the little that the re-import of applications touches.

create table providers (
  id bigserial primary key,
  code varchar(10) not null unique,
  name varchar(255) not null,
  provider_type varchar(20),
  created_at timestamp(6) not null,
  updated_at timestamp(6) not null
);

create table application_choices (
  id bigserial primary key,
  provider_id bigint not null,
  recruitment_cycle_year integer not null,
  course_uuid varchar(36),
  status varchar(20) not null default 'recruited',
  recruited_at timestamp(6),
  created_at timestamp(6) not null,
  updated_at timestamp(6) not null
);
