-- The tables on which the tests of playbooks run, made by `trueup new` from the catalogue. Yours to change: add
-- references, checks and triggers that matter to a procedure.

create table "audits" (
  "id" integer primary key autoincrement,
  "of" text,
  "record_id" bigint,
  "action" text,
  "changes" json
);

create table "shelves" (
  "id" integer primary key autoincrement,
  "label" varchar(20) not null
);

create table "things" (
  "id" integer primary key autoincrement,
  "code" varchar(10) not null,
  "shelf_id" bigint not null,
  "state" bigint not null,
  "name" varchar(40),
  "price" decimal text,
  "keeper" text,
  "sold_on" date,
  "details" json,
  "made_on" date not null,
  "updated_at" timestamp not null,
  unique ("code")
);
