-- The same as tables.sqlite.sql, for PostgreSQL.
create table owners (id bigserial primary key, name text not null);
create table things (
  id bigserial primary key,
  name text not null,
  state integer not null default 0,
  amount numeric(12, 2),
  price numeric,
  count integer,
  weight double precision,
  flag boolean,
  day date,
  at timestamp(6),
  moment timestamptz,
  uid uuid unique,
  email text,
  note text,
  doc jsonb default '{}',
  owner_id bigint references owners,
  discarded_at timestamp(6),
  created_at timestamp(6) not null,
  updated_at timestamp(6) not null
);
create table parts (
  id bigserial primary key,
  thing_id bigint not null references things,
  name text not null check (name <> 'forbidden'),
  position integer not null,
  created_at timestamp(6) not null,
  updated_at timestamp(6) not null,
  unique (thing_id, position)
);
create table prices (code text not null, year integer not null, amount numeric(12, 2) not null, primary key (code, year));
create table notes (id bigserial primary key, thing_id bigint, text text);
create table quiet (id bigserial primary key, text text);
create table audits (
  id bigserial primary key,
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
  created_at timestamp(6)
);
create function note_state() returns trigger language plpgsql as $$ begin
  insert into notes (thing_id, text) values (new.id, 'state ' || old.state || ' to ' || new.state);
  return new;
end $$;
create trigger note_state after update of state on things for each row when (old.state is distinct from new.state) execute function note_state();
create table tokens (
  id bigserial primary key, name text not null, kind text not null default 'plain (as usual)', code uuid default gen_random_uuid(),
  made timestamptz not null default now(), touched timestamptz
);
create function touch() returns trigger language plpgsql as $$ begin new.touched := clock_timestamp(); return new; end $$;
create trigger touch_tokens before update on tokens for each row execute function touch();
