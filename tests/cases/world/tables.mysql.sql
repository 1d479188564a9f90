-- The same as tables.sqlite.sql, for MySQL and MariaDB. Texts are compared without case here, as most servers are set.
create table owners (id bigint auto_increment primary key, name varchar(255) not null);
create table things (
  id bigint auto_increment primary key,
  name varchar(255) not null,
  state integer not null default 0,
  amount decimal(12, 2),
  price decimal(40, 10),
  count integer,
  weight double precision,
  flag boolean,
  day date,
  at datetime(6),
  moment timestamp(6) null,
  uid uuid unique,
  email varchar(255),
  note text,
  doc json default '{}',
  owner_id bigint,
  discarded_at datetime(6),
  created_at datetime(6) not null,
  updated_at datetime(6) not null,
  foreign key (owner_id) references owners (id)
);
create table parts (
  id bigint auto_increment primary key,
  thing_id bigint not null,
  name varchar(255) not null check (name <> 'forbidden'),
  position integer not null,
  created_at datetime(6) not null,
  updated_at datetime(6) not null,
  unique (thing_id, position),
  foreign key (thing_id) references things (id)
);
create table prices (code varchar(255) not null, year integer not null, amount decimal(12, 2) not null, primary key (code, year));
create table notes (id bigint auto_increment primary key, thing_id bigint, text text);
create table quiet (id bigint auto_increment primary key, text text);
create table audits (
  id bigint auto_increment primary key,
  record_type varchar(255),
  record_id bigint,
  owner_type varchar(255),
  owner_id bigint,
  action varchar(255),
  changes json,
  version integer,
  comment text,
  username varchar(255),
  request varchar(255),
  created_at datetime(6)
);
create trigger note_state after update on things for each row
  insert into notes (thing_id, text) select new.id, concat('state ', old.state, ' to ', new.state) where not (old.state <=> new.state);
create table tokens (
  id bigint auto_increment primary key, name varchar(255) not null, kind varchar(255) not null default 'plain (as usual)', code uuid default uuid(),
  made datetime(6) not null default current_timestamp(6), touched datetime(6)
);
create trigger touch_tokens before update on tokens for each row set new.touched = sysdate(6);
