create table states (id integer primary key, name varchar(30) not null unique, place smallint not null unique);
insert into states (id, name, place) values (1, 'PENDING', 1), (2, 'RETIRING_FORUM', 11), (3, 'FORUM_COMPLETE', 21),
  (4, 'RETIRING_ACCOUNT', 31), (5, 'ACCOUNT_COMPLETE', 41), (6, 'ERRORED', 51), (7, 'ABORTED', 61), (8, 'COMPLETE', 71);
create table persons (id integer primary key, mail varchar(200) not null, active boolean not null);
create table wishes (id integer primary key);
create table requests (
  id integer primary key,
  person_id int not null,
  mail varchar(200) not null,
  state_id int not null references states (id),
  last_id int not null references states (id),
  responses text not null,
  created timestamptz not null,
  modified timestamptz not null
);
