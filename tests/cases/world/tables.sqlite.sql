-- The same as tables.postgres.sql, for SQLite.
create table owners (id integer primary key autoincrement, name text not null);
create table things (
  id integer primary key autoincrement,
  name text not null,
  state integer not null default 0,
  amount decimal text,
  price decimal text,
  count integer,
  weight double,
  flag boolean,
  day date,
  at timestamp,
  moment timestamptz,
  uid uuid unique,
  email text,
  note text,
  doc json default '{}',
  owner_id bigint references owners,
  discarded_at timestamp,
  created_at timestamp not null,
  updated_at timestamp not null
);
create table parts (
  id integer primary key autoincrement,
  thing_id bigint not null references things,
  name text not null check (name <> 'forbidden'),
  position integer not null,
  created_at timestamp not null,
  updated_at timestamp not null,
  unique (thing_id, position)
);
create table prices (code text not null, year integer not null, amount decimal text not null, primary key (code, year));
create table notes (id integer primary key autoincrement, thing_id bigint, text text);
create table quiet (id integer primary key autoincrement, text text);
create table audits (
  id integer primary key autoincrement,
  record_type text,
  record_id bigint,
  owner_type text,
  owner_id bigint,
  action text,
  changes json,
  version integer,
  comment text,
  username text,
  request text,
  created_at timestamp
);
create trigger note_state after update of state on things when old.state is not new.state begin
  insert into notes (thing_id, text) values (new.id, 'state ' || old.state || ' to ' || new.state);
end;
create table tokens (
  id integer primary key, name text not null, kind text not null default 'plain (as usual)', code text default (lower(hex(randomblob(16)))),
  made timestamp not null default current_timestamp, touched timestamp
);
create trigger touch_tokens after update of name on tokens begin
  update tokens set touched = strftime('%Y-%m-%d %H:%M:%f', 'now') where id = new.id;
end;
