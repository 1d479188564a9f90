create table trainees (id integer primary key, state integer not null);
