-- Of the database of "Publish teacher training courses": whose type of provider is the wrong one.

create table recruitment_cycle (
  id bigserial primary key,
  year varchar(4) not null unique
);

create table provider (
  id bigserial primary key,
  recruitment_cycle_id bigint not null,
  provider_code varchar(10) not null,
  provider_name varchar(255) not null,
  provider_type varchar(1),
  unique (recruitment_cycle_id, provider_code)
);
