create table trainees (id bigint primary key, state integer not null);
