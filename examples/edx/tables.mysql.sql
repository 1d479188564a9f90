-- Retirement tables of the LMS, MySQL/MariaDB flavour. MySQL is what the LMS runs on in
-- production: note the case-insensitive collation, on which some of the LMS' own logic depends.
CREATE TABLE IF NOT EXISTS auth_user (
  id           int AUTO_INCREMENT PRIMARY KEY,
  username     varchar(150) NOT NULL UNIQUE,
  email        varchar(254) NOT NULL UNIQUE,
  password     varchar(128) NOT NULL,
  first_name   varchar(150) NOT NULL DEFAULT '',
  last_name    varchar(150) NOT NULL DEFAULT '',
  is_active    tinyint(1) NOT NULL DEFAULT 1,
  is_staff     tinyint(1) NOT NULL DEFAULT 0,
  is_superuser tinyint(1) NOT NULL DEFAULT 0,
  date_joined  datetime(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE IF NOT EXISTS auth_userprofile (
  id              int AUTO_INCREMENT PRIMARY KEY,
  user_id         int NOT NULL UNIQUE,
  name            varchar(255) NOT NULL DEFAULT '',
  meta            longtext NOT NULL,
  location        varchar(255) NOT NULL DEFAULT '',
  year_of_birth   int NULL,
  gender          varchar(6) NULL,
  mailing_address longtext NULL,
  city            longtext NULL,
  country         varchar(2) NULL,
  bio             varchar(3000) NULL,
  phone_number    varchar(50) NULL,
  FOREIGN KEY (user_id) REFERENCES auth_user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE IF NOT EXISTS social_auth_usersocialauth (
  id       int AUTO_INCREMENT PRIMARY KEY,
  user_id  int NOT NULL,
  provider varchar(32) NOT NULL,
  uid      varchar(255) NOT NULL,
  UNIQUE (provider, uid),
  FOREIGN KEY (user_id) REFERENCES auth_user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE IF NOT EXISTS student_courseenrollment (
  id        int AUTO_INCREMENT PRIMARY KEY,
  user_id   int NOT NULL,
  course_id varchar(255) NOT NULL,
  created   datetime(6) NULL,
  is_active tinyint(1) NOT NULL DEFAULT 1,
  mode      varchar(100) NOT NULL DEFAULT 'audit',
  UNIQUE (user_id, course_id),
  FOREIGN KEY (user_id) REFERENCES auth_user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE IF NOT EXISTS user_api_retirementstate (
  id                    int AUTO_INCREMENT PRIMARY KEY,
  state_name            varchar(30) NOT NULL UNIQUE,
  state_execution_order smallint NOT NULL UNIQUE,
  is_dead_end_state     tinyint(1) NOT NULL,
  required              tinyint(1) NOT NULL,
  KEY user_api_retirementstate_dead (is_dead_end_state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE IF NOT EXISTS user_api_userretirementrequest (
  id       int AUTO_INCREMENT PRIMARY KEY,
  created  datetime(6) NOT NULL,
  modified datetime(6) NOT NULL,
  user_id  int NOT NULL UNIQUE,
  FOREIGN KEY (user_id) REFERENCES auth_user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE IF NOT EXISTS user_api_userretirementstatus (
  id                int AUTO_INCREMENT PRIMARY KEY,
  created           datetime(6) NOT NULL,
  modified          datetime(6) NOT NULL,
  original_username varchar(150) NOT NULL,
  original_email    varchar(254) NOT NULL,
  original_name     varchar(255) NOT NULL,
  retired_username  varchar(150) NOT NULL,
  retired_email     varchar(254) NOT NULL,
  responses         longtext NOT NULL,
  current_state_id  int NOT NULL,
  last_state_id     int NOT NULL,
  user_id           int NOT NULL UNIQUE,
  KEY uars_original_username (original_username),
  KEY uars_original_email (original_email),
  KEY uars_original_name (original_name),
  KEY uars_retired_username (retired_username),
  KEY uars_retired_email (retired_email),
  FOREIGN KEY (current_state_id) REFERENCES user_api_retirementstate (id),
  FOREIGN KEY (last_state_id) REFERENCES user_api_retirementstate (id),
  FOREIGN KEY (user_id) REFERENCES auth_user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE IF NOT EXISTS user_api_userretirementpartnerreportingstatus (
  id                 int AUTO_INCREMENT PRIMARY KEY,
  created            datetime(6) NOT NULL,
  modified           datetime(6) NOT NULL,
  original_username  varchar(150) NOT NULL,
  original_email     varchar(254) NOT NULL,
  original_name      varchar(255) NOT NULL,
  is_being_processed tinyint(1) NOT NULL,
  user_id            int NOT NULL UNIQUE,
  KEY uarp_original_username (original_username),
  KEY uarp_original_email (original_email),
  KEY uarp_original_name (original_name),
  FOREIGN KEY (user_id) REFERENCES auth_user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
