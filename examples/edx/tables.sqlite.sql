-- Retirement tables of the LMS, SQLite flavour (column names, types, uniqueness and
-- indexes follow the Django models, see docs/edx.md for the sources).
-- Timestamps are UTC text 'YYYY-MM-DD HH:MM:SS.ffffff' (the form Django itself stores in SQLite).
PRAGMA foreign_keys = ON;

-- Subset of the Django user table that retirement and its cancelling touch.
CREATE TABLE IF NOT EXISTS auth_user (
  id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  username     VARCHAR(150) NOT NULL UNIQUE,
  email        VARCHAR(254) NOT NULL,
  password     VARCHAR(128) NOT NULL,          -- unusable password = value starting with '!'
  first_name   VARCHAR(150) NOT NULL DEFAULT '',
  last_name    VARCHAR(150) NOT NULL DEFAULT '',
  is_active    BOOL NOT NULL DEFAULT 1,
  is_staff     BOOL NOT NULL DEFAULT 0,
  is_superuser BOOL NOT NULL DEFAULT 0,
  date_joined  DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS auth_user_email_uniq ON auth_user (email); -- edx-platform adds this

CREATE TABLE IF NOT EXISTS auth_userprofile (
  id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  user_id         INTEGER NOT NULL UNIQUE REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED,
  name            VARCHAR(255) NOT NULL DEFAULT '',
  meta            TEXT NOT NULL DEFAULT '',
  location        VARCHAR(255) NOT NULL DEFAULT '',
  year_of_birth   INTEGER NULL,
  gender          VARCHAR(6) NULL,
  mailing_address TEXT NULL,
  city            TEXT NULL,
  country         VARCHAR(2) NULL,
  bio             VARCHAR(3000) NULL,
  phone_number    VARCHAR(50) NULL
);

CREATE TABLE IF NOT EXISTS social_auth_usersocialauth (
  id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  user_id  INTEGER NOT NULL REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED,
  provider VARCHAR(32) NOT NULL,
  uid      VARCHAR(255) NOT NULL,
  UNIQUE (provider, uid)
);

CREATE TABLE IF NOT EXISTS student_courseenrollment (
  id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  user_id   INTEGER NOT NULL REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED,
  course_id VARCHAR(255) NOT NULL,
  created   DATETIME NULL,
  is_active BOOL NOT NULL DEFAULT 1,
  mode      VARCHAR(100) NOT NULL DEFAULT 'audit',
  UNIQUE (user_id, course_id)
);

-- The four tables of the retirement queue itself.
CREATE TABLE IF NOT EXISTS user_api_retirementstate (
  id                    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  state_name            VARCHAR(30) NOT NULL UNIQUE,
  state_execution_order SMALLINT NOT NULL UNIQUE,
  is_dead_end_state     BOOL NOT NULL,
  required              BOOL NOT NULL
);
CREATE INDEX IF NOT EXISTS user_api_retirementstate_dead ON user_api_retirementstate (is_dead_end_state);

CREATE TABLE IF NOT EXISTS user_api_userretirementrequest (
  id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  created  DATETIME NOT NULL,
  modified DATETIME NOT NULL,
  user_id  INTEGER NOT NULL UNIQUE REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE IF NOT EXISTS user_api_userretirementstatus (
  id                INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  created           DATETIME NOT NULL,
  modified          DATETIME NOT NULL,
  original_username VARCHAR(150) NOT NULL,
  original_email    VARCHAR(254) NOT NULL,
  original_name     VARCHAR(255) NOT NULL,
  retired_username  VARCHAR(150) NOT NULL,
  retired_email     VARCHAR(254) NOT NULL,
  responses         TEXT NOT NULL,
  current_state_id  INTEGER NOT NULL REFERENCES user_api_retirementstate (id) DEFERRABLE INITIALLY DEFERRED,
  last_state_id     INTEGER NOT NULL REFERENCES user_api_retirementstate (id) DEFERRABLE INITIALLY DEFERRED,
  user_id           INTEGER NOT NULL UNIQUE REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX IF NOT EXISTS uars_original_username ON user_api_userretirementstatus (original_username);
CREATE INDEX IF NOT EXISTS uars_original_email    ON user_api_userretirementstatus (original_email);
CREATE INDEX IF NOT EXISTS uars_original_name     ON user_api_userretirementstatus (original_name);
CREATE INDEX IF NOT EXISTS uars_retired_username  ON user_api_userretirementstatus (retired_username);
CREATE INDEX IF NOT EXISTS uars_retired_email     ON user_api_userretirementstatus (retired_email);
CREATE INDEX IF NOT EXISTS uars_current_state     ON user_api_userretirementstatus (current_state_id);
CREATE INDEX IF NOT EXISTS uars_last_state        ON user_api_userretirementstatus (last_state_id);

CREATE TABLE IF NOT EXISTS user_api_userretirementpartnerreportingstatus (
  id                 INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  created            DATETIME NOT NULL,
  modified           DATETIME NOT NULL,
  original_username  VARCHAR(150) NOT NULL,
  original_email     VARCHAR(254) NOT NULL,
  original_name      VARCHAR(255) NOT NULL,
  is_being_processed BOOL NOT NULL,
  user_id            INTEGER NOT NULL UNIQUE REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX IF NOT EXISTS uarp_original_username ON user_api_userretirementpartnerreportingstatus (original_username);
CREATE INDEX IF NOT EXISTS uarp_original_email    ON user_api_userretirementpartnerreportingstatus (original_email);
CREATE INDEX IF NOT EXISTS uarp_original_name     ON user_api_userretirementpartnerreportingstatus (original_name);
