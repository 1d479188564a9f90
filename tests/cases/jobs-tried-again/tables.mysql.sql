create table trainees (id integer primary key, state integer not null, updated_at datetime(6) not null)
