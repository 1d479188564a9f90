-- The rows of the sandbox: invented people at four invented providers. Portable between the databases; load it
-- after tables.*.sql. Each trainee has the story that it is here for in a comment; the matching DQT records are in
-- dqt.mock.yaml. Enums are stored numbers, as in the service (names: trueup.yaml).

-- Academic years, named after the year in which they start.
insert into academic_cycles (id, start_date, end_date, created_at, updated_at) values
  (18, '2018-08-01', '2019-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (19, '2019-08-01', '2020-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (20, '2020-08-01', '2021-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (21, '2021-08-01', '2022-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (22, '2022-08-01', '2023-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (23, '2023-08-01', '2024-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (24, '2024-08-01', '2025-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (25, '2025-08-01', '2026-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (26, '2026-08-01', '2027-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (27, '2027-08-01', '2028-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (28, '2028-08-01', '2029-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (29, '2029-08-01', '2030-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (30, '2030-08-01', '2031-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (31, '2031-08-01', '2032-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (32, '2032-08-01', '2033-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (33, '2033-08-01', '2034-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (34, '2034-08-01', '2035-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (35, '2035-08-01', '2036-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (36, '2036-08-01', '2037-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (37, '2037-08-01', '2038-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (38, '2038-08-01', '2039-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (39, '2039-08-01', '2040-07-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');

insert into allocation_subjects (id, name, created_at, updated_at) values
  (1, 'Primary', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (2, 'Early years ITT', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (3, 'Mathematics', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (4, 'Physics', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (5, 'English', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (6, 'History', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (7, 'Biology', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (8, 'Modern languages', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');
insert into subject_specialisms (id, name, hecos_code, allocation_subject_id, created_at, updated_at) values
  (10, 'mathematics', '100400', 3, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (11, 'physics', '100401', 4, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (12, 'English studies', '100402', 5, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (13, 'primary teaching', '100403', 1, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (14, 'early years teaching', '100404', 2, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (15, 'history', '100405', 6, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (16, 'biology', '100406', 7, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (17, 'French language', '100407', 8, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');

insert into providers (id, name, code, ukprn, accreditation_id, accredited, apply_sync_enabled, dttp_id, created_at, updated_at) values
  (1, 'University of Westbrook', 'W42', '10990001', '1042', true, true, '0c7a4c5e-52a1-4d0e-9a55-6a1f3f0b2a01', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (2, 'Northgate SCITT', '2N2', '10990002', '5571', true, true, '5b1f8a0e-8f2b-4a55-8d2c-0d6c1f0b2a02', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (3, 'Harbour Teaching Alliance', 'H7K', '10990003', '5802', true, false, '9e2f1d7c-11aa-4c07-b0d1-7f5e1f0b2a03', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (4, 'St Bede''s University College', 'B35', '10990004', '1103', true, true, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  -- lost its accreditation; to become a lead partner
  (5, 'Hillside SCITT', 'H1S', '10990005', '5911', true, false, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  -- has become lead partner 1363 already; a trainee from before is missing
  (6, 'Eastmoor College', 'E3M', '10990006', '1210', false, false, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');
insert into users (id, first_name, last_name, email, dttp_id, system_admin, discarded_at, created_at, updated_at) values
  (1, 'Priya', 'Nair', 'priya.nair@westbrook.example', '7d0f2a66-3a54-4d3f-8b0e-2f6b1f0b2b01', false, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (2, 'Tom', 'Ashdown', 'tom.ashdown@northgate.example', '7d0f2a66-3a54-4d3f-8b0e-2f6b1f0b2b02', false, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (3, 'Grace', 'Okafor', 'grace.okafor@harbour.example', '7d0f2a66-3a54-4d3f-8b0e-2f6b1f0b2b03', false, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (4, 'Sian', 'Pugh', 'sian.pugh@stbede.example', null, false, '2025-01-10 09:00:00.000000', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (5, 'Anna', 'Reyes', 'anna.reyes@register.example', null, true, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');
insert into users (id, first_name, last_name, email, dttp_id, system_admin, discarded_at, created_at, updated_at) values
  (6, 'Joan', 'Hill', 'joan.hill@hillside.example', null, false, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (7, 'Omar', 'Said', 'omar.said@hillside.example', null, false, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');
insert into provider_users (id, provider_id, user_id, created_at, updated_at) values
  (1, 1, 1, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (2, 2, 2, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (3, 3, 3, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (4, 4, 4, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (5, 5, 6, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (6, 5, 7, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (7, 6, 7, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');

-- Schools: those of the placements below, some that employ or lead, and one that has closed (80002).
insert into schools (id, urn, name, postcode, town, open_date, close_date, created_at, updated_at) values
  (71020, '140201', 'Oakfield Primary School', 'WB1 2AB', 'Westbrook', '1998-09-01', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (71021, '140211', 'Harbour Academy', 'WB1 2AB', 'Westbrook', '2012-09-01', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (71027, '140271', 'Riverside High School', 'WB1 2AB', 'Westbrook', '1985-09-01', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (71028, '140281', 'Meadow Lane Nursery School', 'WB1 3CD', 'Westbrook', '2001-01-08', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (71034, '140341', 'St Mary''s CofE School', 'WB1 2AB', 'Westbrook', null, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (71042, '140421', 'Cedar Grove School', 'WB2 1AA', 'Westbrook', '2016-09-01', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (80001, '140801', 'Northgate Girls'' School', 'NG1 4XY', 'Northgate', '1974-09-01', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (80002, '140802', 'Old Mill School', 'NG1 5ZZ', 'Northgate', '1960-09-01', '2023-08-31', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (80003, '140803', 'Parkside School', 'NG2 2BB', 'Northgate', '2005-09-01', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (80004, '140804', 'Elm Tree School', 'NG2 3CC', 'Northgate', '2009-09-01', null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');
insert into lead_partners (id, urn, record_type, name, ukprn, school_id, provider_id, discarded_at, created_at, updated_at) values
  (61027, '140271', 'school', 'Riverside High School', null, 71027, null, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (61028, '140281', 'school', 'Meadow Lane Nursery School', null, 71028, null, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (61042, '140421', 'school', 'Cedar Grove School', null, 71042, null, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  -- discarded: 'No' was clicked by mistake
  (61803, '140803', 'school', 'Parkside School', null, 80003, null, '2025-02-11 10:00:00.000000', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (1363, null, 'hei', 'Eastmoor College', '10990006', null, 6, null, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');
insert into lead_partner_users (id, lead_partner_id, user_id, created_at, updated_at) values
  (1, 1363, 7, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');

-- DTTP's schools, as the nightly copy of 2021 left them. 140341 has an old and a new row; 140801 was only proposed when it
-- was copied; 140804 is not there at all.
insert into dttp_schools (id, name, dttp_id, urn, status_code, created_at, updated_at) values
  (1, 'Oakfield Primary School', '0a6fd1a0-9d3c-4f0e-8a51-2f6b1f0b3c01', '140201', 1, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (2, 'Riverside High School', '0a6fd1a0-9d3c-4f0e-8a51-2f6b1f0b3c02', '140271', 300000007, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (3, 'St Mary''s School (closed)', '0a6fd1a0-9d3c-4f0e-8a51-2f6b1f0b3c03', '140341', 300000002, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (4, 'St Mary''s CofE School', '0a6fd1a0-9d3c-4f0e-8a51-2f6b1f0b3c04', '140341', 1, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (5, 'Northgate Girls'' School', '0a6fd1a0-9d3c-4f0e-8a51-2f6b1f0b3c05', '140801', 300000008, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (6, 'Cedar Grove School', '0a6fd1a0-9d3c-4f0e-8a51-2f6b1f0b3c06', '140421', 1, '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');
insert into withdrawal_reasons (id, name, created_at, updated_at) values
  (1, 'safeguarding_concerns', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (2, 'does_not_want_to_become_a_teacher', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (3, 'personal_reasons', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (4, 'had_to_withdraw_because_they_did_not_meet_standards', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (5, 'moved_to_another_course', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (6, 'never_intended_to_obtain_qts', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (7, 'unacceptable_behaviour', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000');


-- Awards: the right and the wrong ones.

-- 1001: awarded in error halfway through a two-year course; DQT has taken its part back already (the demo)
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1001, '7xKqRmT2pZ9sVbN4wYcD6fGh', 2, '2N2-24-1001', 'Amelia', 'Hughes', 'amelia.hughes@trainee.example',
    '1997-03-14', '3001001', 6, 1, '2024-09-10 13:05:44.000042', '2025-06-26', '2025-06-27 09:14:05.123456',
    '2025-07-04 08:00:12.654321', '2024-09-02', '2026-07-10', '2024-09-04', '3f9d2c10-0000-4000-8000-000000001001', 1,
    'mathematics', 11, 16, 3, 0, 4, true, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-23 08:44:38.585589', '2025-07-04 08:00:12.701188');

-- 1002: awarded in error; DQT still shows QTS
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1002, 'Qm4TzX8vLr2NpB7sWkYd9HcJ', 1, 'W42-24-1002', 'Oliver', 'Bennett', 'oliver.bennett@trainee.example',
    '1994-11-02', '3001002', 6, 4, '2024-09-03 08:43:00.558849', '2025-06-16', '2025-06-29 16:28:07.939919',
    '2025-07-06 12:25:35.596642', '2024-09-02', '2025-07-11', '2024-09-03', '3f9d2c10-0000-4000-8000-000000001002', 1,
    'physics', 11, 16, 4, 1, 4, true, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-10 10:15:09.933545', '2025-07-06 12:25:35.596642');

-- 1003: recommended for award in error, not yet awarded; DQT shows no QTS
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, itt_start_date, itt_end_date,
    trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age, course_max_age,
    course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary, applying_for_scholarship,
    applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready,
    record_source, hesa_editable, created_at, updated_at)
  values (1003, 'Ht7WnC3xRb9KyV2mFzPq5LdS', 3, 'H7K-24-1003', 'Isla', 'Kaur', 'isla.kaur@trainee.example',
    '2000-05-30', '3001003', 3, 1, '2024-09-09 11:48:03.554818', '2025-06-23', '2025-06-29 15:55:13.273772',
    '2024-09-02', '2025-07-11', '2024-09-03', '3f9d2c10-0000-4000-8000-000000001003', 1, 'English studies', 11, 16, 5,
    1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-12 17:40:39.186067', '2025-06-29 15:55:13.273772');

-- 1004: awarded in error; DQT answers 500 once, then well
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1004, 'e5hGkV9aTqXw2ZmRn8BcYp4D', 1, 'W42-24-1004', 'Noah', 'Fletcher', 'noah.fletcher@trainee.example',
    '1988-01-19', '3001004', 6, 0, '2024-09-07 12:25:59.668594', '2025-06-26', '2025-06-29 10:49:32.775035',
    '2025-07-02 15:33:46.783370', '2024-09-02', '2025-07-11', '2024-09-02', '3f9d2c10-0000-4000-8000-000000001004', 0,
    'primary teaching', 5, 11, 1, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-10 14:24:42.781308', '2025-07-02 15:33:46.783370');

-- 1005: awarded in error; DQT answers 429 with Retry-After, then well
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1005, 'Jw3bNs6Zy8TfKc2RxQvM7hDg', 4, 'B35-24-1005', 'Ava', 'Doyle', 'ava.doyle@trainee.example',
    '1999-09-09', '3001005', 6, 9, '2024-09-06 12:36:26.884195', '2025-06-20', '2025-06-29 13:20:38.249849',
    '2025-07-09 09:37:49.535742', '2024-09-02', '2025-07-11', '2024-09-03', '3f9d2c10-0000-4000-8000-000000001005', 1,
    'history', 11, 18, 6, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-27 14:37:07.976338', '2025-07-09 09:37:49.535742');

-- 1006: awarded in error; DQT is slow (4 s)
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1006, 'uA9mPz4cXk7VtR2wGsBn6YfE', 2, '2N2-24-1006', 'George', 'Patel', 'george.patel@trainee.example',
    '1991-12-24', '3001006', 6, 11, '2024-09-12 12:42:03.368059', '2025-06-24', '2025-06-29 15:55:21.882513',
    '2025-07-07 15:00:00.552082', '2024-09-02', '2025-07-11', '2024-09-03', '3f9d2c10-0000-4000-8000-000000001006', 1,
    'biology', 11, 16, 7, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-22 17:37:31.580887', '2025-07-07 15:00:00.552082');

-- 1007: awarded in error; DQT holds another date of birth (404, 10001)
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1007, 'Zr8yLd5KxW2hQcT9bVnMs3Gf', 3, 'H7K-24-1007', 'Mia', 'Marsh', 'mia.marsh@trainee.example',
    '1996-07-03', '3001007', 6, 1, '2024-09-06 13:27:04.770509', '2025-06-23', '2025-06-30 09:01:47.469257',
    '2025-07-06 09:52:22.983047', '2024-09-02', '2025-07-11', '2024-09-03', '3f9d2c10-0000-4000-8000-000000001007', 1,
    'French language', 11, 18, 8, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-17 12:09:54.029922', '2025-07-06 09:52:22.983047');

-- 1008: awarded EYTS, rightly; DQT shows an EYTS date and no QTS date
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1008, 'c2VxTq7NhZ8mRwKs4YgBp9Jd', 1, 'W42-24-1008', 'Arthur', 'Whitfield',
    'arthur.whitfield@trainee.example', '1990-04-22', '3001008', 6, 8, '2024-09-12 14:31:41.391328', '2025-06-27',
    '2025-06-30 10:54:16.120793', '2025-07-09 16:06:14.292661', '2024-09-02', '2025-07-11', '2024-09-05',
    '3f9d2c10-0000-4000-8000-000000001008', 2, 'early years teaching', 0, 5, 2, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-15 17:30:10.878180', '2025-07-09 16:06:14.292661');

-- 1009: awarded years ago, without a TRN: DQT cannot be asked
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1009, 'MAVa34jVdzydByskc6U5u3HR', 4, 'B35-19-1009', 'Zainab', 'Rahman', 'zainab.rahman@trainee.example',
    '1993-05-25', 6, 3, '2019-09-10 16:40:33.186955', '2020-06-18', '2020-06-30 14:42:57.816903',
    '2020-07-09 16:27:24.651321', '2019-09-02', '2020-07-11', '2019-09-04', '3f9d2c10-0000-4000-8000-000000001009', 1,
    'English studies', 11, 16, 5, 1, 4, false, false, false, 0, 19, 19,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2019-08-23 14:43:02.627825', '2020-07-09 16:27:24.651321');

-- 1010: awarded, but without a date: a hole in old data
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, itt_start_date, itt_end_date,
    trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age, course_max_age,
    course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary, applying_for_scholarship,
    applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready,
    record_source, hesa_editable, created_at, updated_at)
  values (1010, 'aLkxUU5xen1Z6iHxECZiurss', 1, 'W42-20-1010', 'Muhammad', 'Ali', 'muhammad.ali@trainee.example',
    '2003-07-18', '3001010', 6, 1, '2020-09-06 08:29:49.345051', '2021-06-25', '2021-06-28 17:54:18.667400',
    '2020-09-02', '2021-07-11', '2020-09-02', '3f9d2c10-0000-4000-8000-000000001010', 1, 'mathematics', 11, 16, 3, 1,
    4, true, false, false, 0, 20, 20,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2020-08-27 16:31:36.420461', '2021-07-03 12:57:05.733979');

-- 1011: an award that was taken back last week: nothing to do
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at)
  values (1011, 'Nb6TkR9wXz3cVm8QyHsG5pLf', 2, '2N2-24-1011', 'Freya', 'Larsson', 'freya.larsson@trainee.example',
    '1999-02-04', '3001011', 2, 1, '2024-09-09 16:36:45.213255', '2024-09-02', '2025-07-11', '2024-09-03',
    '3f9d2c10-0000-4000-8000-000000001011', 1, 'mathematics', 11, 16, 3, 1, 4, true, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-26 16:42:47.587375', '2025-07-16 10:31:09.482113');


-- Withdrawn.

-- 1012: withdrawn on 1 February 2024 (the example of the procedure: should be 3 March)
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, withdraw_date)
  values (1012, 'Gy5cVb8KzR3xTn7WmQsH2pLd', 2, '2N2-23-1012', 'Leo', 'Grant', 'leo.grant@trainee.example',
    '1994-11-14', '3001012', 4, 1, '2023-09-10 08:31:41.002707', '2023-09-02', '2024-07-12', '2023-09-04',
    '3f9d2c10-0000-4000-8000-000000001012', 1, 'mathematics', 11, 16, 3, 1, 4, true, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-15 16:02:54.367425', '2023-09-14 17:32:39.849225', '2024-02-01 00:00:00.000000');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, created_at, updated_at)
  values (501, 1012, '2024-02-01', 'trainee', 'unknown', '2024-02-05 10:12:44.318207', '2024-02-05 10:12:44.318207');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (501, 501, 3, '2024-02-05 10:12:44.318207', '2024-02-05 10:12:44.318207');

-- 1013: withdrawn, unwithdrawn and withdrawn again: two rows, only the newer counts
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, withdraw_date)
  values (1013, 'pK4zXw9VtN6cRb2mGyQs8HfD', 1, 'W42-23-1013', 'Evie', 'Sutton', 'evie.sutton@trainee.example',
    '1980-11-09', '3001013', 4, 4, '2023-09-05 11:18:54.972573', '2023-09-02', '2024-07-11', '2023-09-05',
    '3f9d2c10-0000-4000-8000-000000001013', 1, 'physics', 11, 16, 4, 1, 4, true, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-21 09:31:36.022679', '2023-09-17 13:30:57.654685', '2024-05-20 00:00:00.000000');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, discarded_at, created_at, updated_at)
  values (502, 1013, '2023-11-13', 'trainee', 'unknown', '2023-12-01 15:20:33.912004', '2023-11-14 09:02:00.000001',
    '2023-12-01 15:20:33.912004');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (502, 502, 3, '2023-11-14 09:02:00.000001', '2023-11-14 09:02:00.000001');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, created_at, updated_at)
  values (503, 1013, '2024-05-20', 'provider', 'no', '2024-05-21 16:47:09.000900', '2024-05-21 16:47:09.000900');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (503, 503, 4, '2024-05-21 16:47:09.000900', '2024-05-21 16:47:09.000900');

-- 1014: withdrawn long ago: only the old column withdraw_date, no row in trainee_withdrawals (the legacy trap)
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, withdraw_date, withdraw_reasons_details)
  values (1014, 'xD7mTq2ZyV9kRwNc5GsBp8Jh', 4, 'B35-20-1014', 'Harry', 'Barker', 'harry.barker@trainee.example',
    '2000-01-25', '3001014', 4, 9, '2020-09-12 17:06:39.880853', '2020-09-02', '2021-07-11', '2020-09-03',
    '3f9d2c10-0000-4000-8000-000000001014', 1, 'history', 11, 18, 6, 1, 4, false, false, false, 0, 20, 20,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2020-08-17 15:27:59.614924', '2020-09-14 16:40:25.518193', '2021-03-15 00:00:00.000000',
    'Moved abroad');

-- 1015: withdrawn, yet every withdrawal row is discarded: an undo that stopped halfway
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, withdraw_date)
  values (1015, 'Vs8KcZ4bXn6TyRm3WqHg9pFd', 3, 'H7K-23-1015', 'Chloe', 'Price', 'chloe.price@trainee.example',
    '1989-07-06', '3001015', 4, 1, '2023-09-07 12:38:02.131660', '2023-09-02', '2024-07-11', '2023-09-02',
    '3f9d2c10-0000-4000-8000-000000001015', 1, 'English studies', 11, 16, 5, 1, 4, false, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-23 14:25:29.451885', '2023-09-28 09:07:21.638686', '2024-01-08 00:00:00.000000');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, discarded_at, created_at, updated_at)
  values (504, 1015, '2024-01-08', 'trainee', 'unknown', '2024-02-02 08:30:00.250000', '2024-01-09 11:00:00.500000',
    '2024-02-02 08:30:00.250000');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (504, 504, 3, '2024-01-09 11:00:00.500000', '2024-01-09 11:00:00.500000');

-- 1016: withdrawn with two kept rows: the highest id counts
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, withdraw_date)
  values (1016, 'hR6wNz9cKt3VxYb8QmPs2GfL', 1, 'W42-23-1016', 'Oscar', 'Webb', 'oscar.webb@trainee.example',
    '1984-07-06', '3001016', 4, 14, '2023-09-08 11:18:45.290919', '2023-09-02', '2024-07-11', '2023-09-04',
    '3f9d2c10-0000-4000-8000-000000001016', 1, 'mathematics', 11, 16, 3, 1, 4, true, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-10 12:45:47.240846', '2023-09-26 14:34:14.068588', '2024-04-11 00:00:00.000000');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, created_at, updated_at)
  values (505, 1016, '2024-03-28', 'trainee', 'unknown', '2024-03-28 12:00:00.000000', '2024-03-28 12:00:00.000000');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (505, 505, 3, '2024-03-28 12:00:00.000000', '2024-03-28 12:00:00.000000');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, created_at, updated_at)
  values (506, 1016, '2024-04-11', 'provider', 'yes', '2024-04-12 12:00:00.000000', '2024-04-12 12:00:00.000000');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (506, 506, 5, '2024-04-12 12:00:00.000000', '2024-04-12 12:00:00.000000');

-- 1017: withdrawn, no course start date on record
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, progress, submission_ready, record_source, hesa_editable, created_at,
    updated_at, withdraw_date)
  values (1017, 'Tq3VyK8xRz5nWmCb7GsHp4Ld', 2, '2N2-23-1017', 'Aisha', 'Siddiqui', 'aisha.siddiqui@trainee.example',
    '2001-10-24', '3001017', 4, 1, '2023-09-10 17:48:31.219083',
    '{"personal_details":false,"contact_details":false,"degrees":false,"placements":false,"diversity":false,"course_details":false,"training_details":false,"trainee_start_status":false,"trainee_data":false,"schools":false,"funding":false,"iqts_country":false}',
    false, 'manual', false, '2023-08-19 09:46:03.397811', '2023-09-17 13:07:51.360733', '2024-01-22 00:00:00.000000');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, created_at, updated_at)
  values (507, 1017, '2024-01-22', 'trainee', 'unknown', '2024-01-23 09:15:00.123000', '2024-01-23 09:15:00.123000');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (507, 507, 3, '2024-01-23 09:15:00.123000', '2024-01-23 09:15:00.123000');

-- 1018: withdrawn, the row has no date
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at)
  values (1018, 'bN5kZw7RxV2tQyMc9GsKp6Hd', 4, 'B35-23-1018', 'Theo', 'Moran', 'theo.moran@trainee.example',
    '1986-08-25', '3001018', 4, 0, '2023-09-06 12:40:42.989702', '2023-09-02', '2024-07-11', '2023-09-02',
    '3f9d2c10-0000-4000-8000-000000001018', 0, 'primary teaching', 5, 11, 1, 1, 4, false, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-14 12:14:16.432062', '2023-09-24 10:23:49.422871');
insert into trainee_withdrawals (id, trainee_id, "trigger", future_interest, created_at, updated_at)
  values (508, 1018, 'trainee', 'unknown', '2024-02-19 14:40:00.000077', '2024-02-19 14:40:00.000077');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (508, 508, 3, '2024-02-19 14:40:00.000077', '2024-02-19 14:40:00.000077');

-- 1019: withdrawn; the old column and the row disagree since the last correction
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, withdraw_date)
  values (1019, 'Kz9mXc4TvR6yNbW3QsGp8HdF', 3, 'H7K-23-1019', 'Ruby', 'Holt', 'ruby.holt@trainee.example',
    '1985-05-02', '3001019', 4, 3, '2023-09-03 08:13:29.827525', '2023-09-02', '2024-07-11', '2023-09-02',
    '3f9d2c10-0000-4000-8000-000000001019', 1, 'biology', 11, 16, 7, 1, 4, false, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-26 10:04:15.156349', '2023-09-20 14:35:15.082135', '2024-03-01 00:00:00.000000');
insert into trainee_withdrawals (id, trainee_id, date, "trigger", future_interest, created_at, updated_at)
  values (509, 1019, '2024-03-18', 'trainee', 'unknown', '2024-03-02 10:00:00.000000', '2024-03-02 10:00:00.000000');
insert into trainee_withdrawal_reasons (id, trainee_withdrawal_id, withdrawal_reason_id, created_at, updated_at)
  values (509, 509, 3, '2024-03-02 10:00:00.000000', '2024-03-02 10:00:00.000000');


-- Drafts and waiting for a TRN.

-- 1020: complete draft with two placements (the example of change-training-route)
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, itt_start_date, itt_end_date, course_uuid, course_education_phase, course_subject_one,
    course_min_age, course_max_age, course_allocation_subject_id, study_mode, training_initiative,
    applying_for_bursary, applying_for_scholarship, applying_for_grant, bursary_tier, placement_detail,
    start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source, hesa_editable,
    created_at, updated_at)
  values (1020, 'Wm2XzT8cRk6VyNb4GqHs9pFd', 2, '2N2-25-1020', 'Jack', 'Ellis', 'jack.ellis@trainee.example',
    '1985-04-22', 0, 1, '2025-09-02', '2026-07-11', '3f9d2c10-0000-4000-8000-000000001020', 1, 'mathematics', 11, 16,
    3, 1, 0, true, false, false, 1, 0, 25, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":false,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2025-08-19 14:30:01.628382', '2025-08-19 14:30:01.628382');
insert into placements (id, trainee_id, school_id, urn, name, address, postcode, slug, created_at, updated_at)
  values (10200, 1020, 71020, '140201', 'Oakfield Primary School', '1 School Lane, Westbrook', 'WB1 2AB',
    'oxWuda9pbHrpHsCPpkwWaBx2', '2025-09-29 10:01:48.355795', '2025-09-29 10:01:48.355795');
insert into placements (id, trainee_id, school_id, urn, name, address, postcode, slug, created_at, updated_at)
  values (10201, 1020, null, '140202', 'Harbour Academy', '2 School Lane, Westbrook', 'WB1 2AB',
    '8PoE7KhPQzSoVo6WcPYdz9LM', '2025-09-29 10:12:20.635543', '2025-09-29 10:12:20.635543');

-- 1021: draft with one placement and a second subject
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, itt_start_date, itt_end_date, trainee_start_date, course_uuid, course_education_phase,
    course_subject_one, course_min_age, course_max_age, course_allocation_subject_id, study_mode, training_initiative,
    applying_for_bursary, applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id,
    end_academic_cycle_id, progress, submission_ready, record_source, hesa_editable, created_at, updated_at,
    course_subject_two)
  values (1021, 'yT5RwZ9kXc3VnMb7GsQp2HdL', 1, 'W42-25-1021', 'Ella', 'Carver', 'ella.carver@trainee.example',
    '1991-03-06', 0, 3, '2025-09-02', '2026-07-11', '2025-09-02', '3f9d2c10-0000-4000-8000-000000001021', 1,
    'French language', 11, 18, 8, 1, 4, false, false, false, 0, 25, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":false,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    false, 'manual', false, '2025-08-19 11:22:06.758855', '2025-08-19 11:22:06.758855', 'German language');
insert into placements (id, trainee_id, school_id, urn, name, address, postcode, slug, created_at, updated_at)
  values (10210, 1021, 71021, '140211', 'Harbour Academy', '1 School Lane, Westbrook', 'WB1 2AB',
    'J1Pf65x3Qe3z6ScspdYHieRa', '2025-09-29 10:31:01.649861', '2025-09-29 10:31:01.649861');

-- 1022: draft on an early years route
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, itt_start_date, itt_end_date, trainee_start_date, course_uuid, course_education_phase,
    course_subject_one, course_min_age, course_max_age, course_allocation_subject_id, study_mode, training_initiative,
    applying_for_bursary, applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id,
    end_academic_cycle_id, progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1022, 'Rn7VxK4zTc9WmYb3QsGp6HdF', 4, 'B35-25-1022', 'Idris', 'Owusu', 'idris.owusu@trainee.example',
    '1990-08-05', 0, 2, '2025-09-02', '2026-07-11', '2025-09-06', '3f9d2c10-0000-4000-8000-000000001022', 2,
    'early years teaching', 0, 5, 2, 1, 4, false, false, false, 0, 25, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":false,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    false, 'manual', false, '2025-08-13 08:53:53.852832', '2025-08-13 08:53:53.852832');

-- 1023: empty draft: only a route, everything else is missing
insert into trainees (id, slug, provider_id, state, training_route, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at)
  values (1023, 'fG8kZx3RwT6cVnMb5YsQp9Hd', 3, 0, 1,
    '{"personal_details":false,"contact_details":false,"degrees":false,"placements":false,"diversity":false,"course_details":false,"training_details":false,"trainee_start_status":false,"trainee_data":false,"schools":false,"funding":false,"iqts_country":false}',
    false, 'manual', false, '2025-08-18 10:16:36.473526', '2025-08-18 10:16:36.473526');

-- 1024: draft from Apply, with an apostrophe and an accent in the name
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, itt_start_date, itt_end_date, trainee_start_date, course_uuid, course_education_phase,
    course_subject_one, course_min_age, course_max_age, course_allocation_subject_id, study_mode, training_initiative,
    applying_for_bursary, applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id,
    end_academic_cycle_id, progress, submission_ready, record_source, hesa_editable, created_at, updated_at,
    application_choice_id)
  values (1024, 'Xc6TvR9kZn4WmYb8GsQp3HdF', 1, 'W42-25-1024', 'Zoë', 'O''Brien', 'zoe.obrien@trainee.example',
    '1980-05-09', 0, 1, '2025-09-02', '2026-07-11', '2025-09-04', '3f9d2c10-0000-4000-8000-000000001024', 1,
    'English studies', 11, 16, 5, 1, 4, false, false, false, 0, 25, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":false,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    false, 'apply', false, '2025-08-23 16:42:45.076312', '2025-08-23 16:42:45.076312', 881204);

-- 1025: submitted for TRN, DQT has not answered
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, slug_sent_to_dqt_at)
  values (1025, 'mV3XzK7cTr9WnYb5GsQp8HdL', 2, '2N2-25-1025', 'Nia', 'Morgan', 'nia.morgan@trainee.example',
    '1985-05-17', 1, 1, '2025-09-06 12:13:27.383479', '2025-09-02', '2026-07-11', '2025-09-05',
    '3f9d2c10-0000-4000-8000-000000001025', 1, 'physics', 11, 16, 4, 1, 4, true, false, false, 0, 25, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2025-08-23 10:21:58.281036', '2025-09-06 12:13:27.383479', '2025-09-08 09:00:02.000500');
insert into dqt_trn_requests (id, trainee_id, request_id, response, state, created_at, updated_at)
  values (31, 1025, 'c1f6f1de-6f0b-4c53-9df1-6a6d4c0b3101',
    '{"requestId":"c1f6f1de-6f0b-4c53-9df1-6a6d4c0b3101","status":"Pending","trn":null}', 0,
    '2025-09-08 09:00:02.000500', '2025-09-08 09:00:02.000500');

-- 1026: submitted for TRN, the request failed
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at)
  values (1026, 'kT8RxZ5cVw3NnMb9GsYp6HdF', 3, 'H7K-25-1026', 'Ravi', 'Sharma', 'ravi.sharma@trainee.example',
    '1980-06-13', 1, 4, '2025-09-04 08:02:57.083818', '2025-09-02', '2026-07-11', '2025-09-04',
    '3f9d2c10-0000-4000-8000-000000001026', 1, 'biology', 11, 16, 7, 1, 4, false, false, false, 0, 25, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2025-08-10 17:37:24.321407', '2025-09-04 08:02:57.083818');
insert into dqt_trn_requests (id, trainee_id, request_id, response, state, created_at, updated_at)
  values (32, 1026, 'c1f6f1de-6f0b-4c53-9df1-6a6d4c0b3102', '{"error":"status: 500, body: , headers: {}"}', 2,
    '2025-09-09 10:21:37.640000', '2025-09-09 10:21:38.112000');


-- In training.

-- 1027: in training, salaried, with three placements
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, employing_school_id, lead_partner_id)
  values (1027, 'Zw4KxT9cRv6NmYb2GsQp7HdL', 2, '2N2-24-1027', 'Poppy', 'Lowe', 'poppy.lowe@trainee.example',
    '1994-01-19', '3001027', 2, 4, '2024-09-12 14:26:00.290240', '2024-09-02', '2025-07-11', '2024-09-03',
    '3f9d2c10-0000-4000-8000-000000001027', 0, 'primary teaching', 5, 11, 1, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-24 15:56:37.104450', '2024-09-14 11:57:37.395778', 71027, 61027);
insert into placements (id, trainee_id, school_id, urn, name, address, postcode, slug, created_at, updated_at)
  values (10270, 1027, 71027, '140271', 'Riverside High School', '1 School Lane, Westbrook', 'WB1 2AB',
    'KnMjVdtuwBv8Sj4ZnbdxRmL1', '2024-09-29 13:04:44.003066', '2024-09-29 13:04:44.003066');
insert into placements (id, trainee_id, school_id, urn, name, address, postcode, slug, created_at, updated_at)
  values (10271, 1027, null, '140272', 'Oakfield Primary School', '2 School Lane, Westbrook', 'WB1 2AB',
    'nbpKjZFcmpJLb5k2363rYWwX', '2024-09-29 12:05:22.746577', '2024-09-29 12:05:22.746577');
insert into placements (id, trainee_id, school_id, urn, name, address, postcode, slug, created_at, updated_at)
  values (10272, 1027, null, '140273', 'Harbour Academy', '3 School Lane, Westbrook', 'WB1 2AB',
    'aU6RP8uaQ8aAMaL2nFZJjJna', '2024-09-29 14:46:40.231214', '2024-09-29 14:46:40.231214');

-- 1028: in training, early years, employed
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, employing_school_id, lead_partner_id)
  values (1028, 'oJb2335CYWKpqYTsjKv22aTf', 4, 'B35-24-1028', 'Finn', 'Quinn', 'finn.quinn@trainee.example',
    '1979-02-15', '3001028', 2, 7, '2024-09-03 12:24:52.998984', '2024-09-02', '2025-07-11', '2024-09-04',
    '3f9d2c10-0000-4000-8000-000000001028', 2, 'early years teaching', 0, 5, 2, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-12 13:26:14.435669', '2024-09-14 08:26:16.488795', 71028, 61028);

-- 1029: in training, from HESA
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, hesa_id, hesa_updated_at)
  values (1029, 'QYrH6zqe3CFHs2U5dcSUXiLY', 1, 'W42-24-1029', 'Layla', 'Haddad', 'layla.haddad@trainee.example',
    '1982-01-12', '3001029', 2, 9, '2024-09-10 08:58:47.385287', '2024-09-02', '2027-07-09', '2024-09-03',
    '3f9d2c10-0000-4000-8000-000000001029', 1, 'history', 11, 18, 6, 1, 4, false, false, false, 0, 24, 26,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'hesa_collection', true, '2024-08-10 11:13:43.594389', '2024-09-28 17:14:22.741585', '0315820001028',
    '2025-01-14 03:12:55.271828');

-- 1030: in training abroad (iQTS)
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, iqts_country)
  values (1030, 'PjLpAWnYie93CiDuqCrJ1HBQ', 1, 'W42-24-1030', 'Ethan', 'Reid', 'ethan.reid@trainee.example',
    '1997-07-18', '3001030', 2, 12, '2024-09-10 10:02:11.085261', '2024-09-02', '2025-07-11', '2024-09-04',
    '3f9d2c10-0000-4000-8000-000000001030', 1, 'English studies', 11, 16, 5, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-18 17:35:45.840751', '2024-09-26 16:07:55.793770', 'Ireland');

-- 1031: in training, teacher degree apprenticeship, three years
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at)
  values (1031, 'LBB5vFHrJSgcditnvN127GH2', 3, 'H7K-24-1031', 'Erin', 'Walsh', 'erin.walsh@trainee.example',
    '2001-03-10', '3001031', 2, 14, '2024-09-04 16:51:38.898049', '2024-09-02', '2027-07-09', '2024-09-04',
    '3f9d2c10-0000-4000-8000-000000001031', 1, 'mathematics', 11, 16, 3, 1, 4, true, false, false, 0, 24, 26,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-10 15:44:05.592535', '2024-09-28 09:55:59.541462');

-- 1032: in training; a TRN that begins with a zero
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at)
  values (1032, 'Vn7RxK3cTz9WmYb5GsQp4HdF', 2, '2N2-24-1032', 'Kofi', 'Mensah', 'kofi.mensah@trainee.example',
    '1993-08-08', '0234567', 2, 1, '2024-09-08 15:50:44.990990', '2024-09-02', '2025-07-11', '2024-09-06',
    '3f9d2c10-0000-4000-8000-000000001032', 1, 'physics', 11, 16, 4, 1, 4, true, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-16 14:03:14.822144', '2024-09-14 10:39:20.263379');

-- 1033: deferred, no return date
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, defer_date)
  values (1033, '8SdBL16DWSjygj9yhvvy7kG5', 1, 'W42-24-1033', 'Molly', 'Frost', 'molly.frost@trainee.example',
    '1991-12-01', '3001033', 5, 1, '2024-09-11 17:45:57.500664', '2024-09-02', '2025-07-11', '2024-09-03',
    '3f9d2c10-0000-4000-8000-000000001033', 1, 'biology', 11, 16, 7, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-27 08:40:16.154811', '2024-09-25 16:17:36.590495', '2025-01-20');

-- 1034: deferred with placements, wants to come back on another route
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, defer_date, reinstate_date)
  values (1034, 'tR9ZxK5cVw7NnYb3GsQp8HdL', 4, 'B35-24-1034', 'Dylan', 'Evans', 'dylan.evans@trainee.example',
    '1990-11-04', '3001034', 5, 3, '2024-09-07 09:36:03.927709', '2024-09-02', '2025-07-11', '2024-09-03',
    '3f9d2c10-0000-4000-8000-000000001034', 1, 'English studies', 11, 16, 5, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-27 16:43:05.241328', '2024-09-14 10:34:43.841653', '2025-02-03', '2025-09-01');
insert into placements (id, trainee_id, school_id, urn, name, address, postcode, slug, created_at, updated_at)
  values (10340, 1034, 71034, '140341', 'St Mary''s CofE School', '1 School Lane, Westbrook', 'WB1 2AB',
    'CZWcvDqSFoc9PXxbkBE2axwe', '2024-09-29 15:27:12.301768', '2024-09-29 15:27:12.301768');

-- 1035: recommended for award, rightly; DQT is about to award
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, itt_start_date, itt_end_date,
    trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age, course_max_age,
    course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary, applying_for_scholarship,
    applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready,
    record_source, hesa_editable, created_at, updated_at)
  values (1035, '3WBZmZi4QuzSCwVAMPTiAhDi', 1, 'W42-24-1035', 'Maryam', 'Aziz', 'maryam.aziz@trainee.example',
    '1984-03-27', '3001035', 3, 1, '2024-09-11 16:07:20.382167', '2025-06-26', '2025-06-29 08:39:07.149530',
    '2024-09-02', '2025-07-11', '2024-09-05', '3f9d2c10-0000-4000-8000-000000001035', 1, 'mathematics', 11, 16, 3, 1,
    4, true, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-10 16:38:43.411793', '2025-06-29 08:39:07.149530');

-- 1036: awarded, rightly
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1036, 'ahuba2eEPoZTs94ZCYq4MSix', 2, '2N2-23-1036', 'Rhys', 'Lloyd', 'rhys.lloyd@trainee.example',
    '1984-09-26', '3001036', 6, 5, '2023-09-06 08:18:42.946936', '2024-06-26', '2024-06-28 14:52:52.092576',
    '2024-07-08 08:22:26.492604', '2023-09-02', '2024-07-11', '2023-09-03', '3f9d2c10-0000-4000-8000-000000001036', 0,
    'primary teaching', 5, 11, 1, 1, 4, false, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-25 08:38:29.254696', '2024-07-08 08:22:26.492604');

-- 1037: awarded, rightly, to the microsecond
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at)
  values (1037, 'uuTrNs99h7iYrUXJveXhurbf', 4, 'B35-23-1037', 'Alice', 'Byrne', 'alice.byrne@trainee.example',
    '1991-04-16', '3001037', 6, 1, '2023-09-09 16:40:08.507872', '2024-06-27', '2024-06-28 17:12:53.706062',
    '2024-07-05 08:00:00.000001', '2023-09-02', '2024-07-11', '2023-09-05', '3f9d2c10-0000-4000-8000-000000001037', 1,
    'French language', 11, 18, 8, 1, 4, false, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-16 14:01:13.784289', '2024-07-03 11:16:48.756946');

-- 1038: discarded: a duplicate of 1020, same e-mail
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, itt_start_date, itt_end_date, trainee_start_date, course_uuid, course_education_phase,
    course_subject_one, course_min_age, course_max_age, course_allocation_subject_id, study_mode, training_initiative,
    applying_for_bursary, applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id,
    end_academic_cycle_id, progress, submission_ready, record_source, hesa_editable, created_at, updated_at,
    discarded_at)
  values (1038, 'mLyMsmd4ygb9DtVziGCSyJnf', 2, '2N2-25-1038', 'Jack', 'Ellis', 'jack.ellis@trainee.example',
    '1985-04-22', 0, 1, '2025-09-02', '2026-07-11', '2025-09-05', '3f9d2c10-0000-4000-8000-000000001038', 1,
    'mathematics', 11, 16, 3, 1, 4, true, false, false, 0, 25, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":false,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    false, 'manual', false, '2025-08-11 09:15:44.082766', '2025-08-11 09:15:44.082766', '2025-09-15 12:00:00.333000');

-- 1039: discarded although awarded: no procedure may find it
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, outcome_date, recommended_for_award_at, awarded_at, itt_start_date,
    itt_end_date, trainee_start_date, course_uuid, course_education_phase, course_subject_one, course_min_age,
    course_max_age, course_allocation_subject_id, study_mode, training_initiative, applying_for_bursary,
    applying_for_scholarship, applying_for_grant, placement_detail, start_academic_cycle_id, end_academic_cycle_id,
    progress, submission_ready, record_source, hesa_editable, created_at, updated_at, discarded_at)
  values (1039, 'Yb8KzT4xRc6VnMw9GsQp2HdF', 3, 'H7K-23-1039', 'Hana', 'Suzuki', 'hana.suzuki@trainee.example',
    '1996-09-19', '3001039', 6, 1, '2023-09-08 09:36:36.662072', '2024-06-25', '2024-06-29 16:27:27.323772',
    '2024-07-08 16:32:33.013171', '2023-09-02', '2024-07-11', '2023-09-03', '3f9d2c10-0000-4000-8000-000000001039', 1,
    'English studies', 11, 16, 5, 1, 4, false, false, false, 0, 23, 23,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2023-08-19 16:48:12.842760', '2024-07-08 16:32:33.013171', '2024-10-01 09:30:15.750000');

-- 1040: in training with next to nothing on record
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, middle_names, last_name, date_of_birth,
    trn, state, training_route, submitted_for_trn_at, progress, submission_ready, record_source, hesa_editable,
    created_at, updated_at)
  values (1040, '2iAUEbX7wTLTaq8UCSLFTNzo', 4, 'B35-24-1040', 'Samuel', '', 'Cole', '1990-11-09', '3001040', 2, 1,
    '2024-09-12 08:20:27.271398',
    '{"personal_details":false,"contact_details":false,"degrees":false,"placements":false,"diversity":false,"course_details":false,"training_details":false,"trainee_start_status":false,"trainee_data":false,"schools":false,"funding":false,"iqts_country":false}',
    false, 'manual', false, '2024-08-10 11:15:21.032758', '2024-09-22 13:20:03.061624');

-- 1041: in training, opt-in undergraduate
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at)
  values (1041, 'MPz4fEWws8k9xLMGwQKDCE3K', 1, 'W42-24-1041', 'Bethan', 'Parry', 'bethan.parry@trainee.example',
    '1995-03-16', '3001041', 2, 10, '2024-09-06 15:12:19.110543', '2024-09-02', '2026-07-10', '2024-09-06',
    '3f9d2c10-0000-4000-8000-000000001041', 1, 'physics', 11, 16, 4, 1, 4, true, false, false, 0, 24, 25,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-17 10:03:53.373412', '2024-09-14 16:30:54.973488');

-- 1042: in training, postgraduate apprenticeship
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, trn,
    state, training_route, submitted_for_trn_at, itt_start_date, itt_end_date, trainee_start_date, course_uuid,
    course_education_phase, course_subject_one, course_min_age, course_max_age, course_allocation_subject_id,
    study_mode, training_initiative, applying_for_bursary, applying_for_scholarship, applying_for_grant,
    placement_detail, start_academic_cycle_id, end_academic_cycle_id, progress, submission_ready, record_source,
    hesa_editable, created_at, updated_at, employing_school_id, lead_partner_id)
  values (1042, 'yuGiVczxca8wLCDVhMN1DokW', 3, 'H7K-24-1042', 'Luca', 'Rossi', 'luca.rossi@trainee.example',
    '2003-11-28', '3001042', 2, 5, '2024-09-11 17:18:58.355036', '2024-09-02', '2025-07-11', '2024-09-03',
    '3f9d2c10-0000-4000-8000-000000001042', 0, 'primary teaching', 5, 11, 1, 1, 4, false, false, false, 0, 24, 24,
    '{"personal_details":true,"contact_details":true,"degrees":true,"placements":true,"diversity":true,"course_details":true,"training_details":true,"trainee_start_status":true,"trainee_data":true,"schools":true,"funding":true,"iqts_country":true}',
    true, 'manual', false, '2024-08-14 14:14:57.528987', '2024-09-22 16:27:27.414094', 71042, 61042);


-- Duplicates: Kezia Brooks was entered three times, once with capitals in the address (duplicates.csv keeps 1043).

insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, progress, submission_ready, record_source, start_academic_cycle_id, created_at, updated_at)
  values (1043, 'Kz3VxT8cRb6WyNm4GqHs9pAd', 2, '2N2-25-1043', 'Kezia', 'Brooks', 'kezia.brooks@trainee.example',
    '2002-12-01', 0, 1, '{"personal_details":true,"degrees":true}', false, 'manual', 25, '2025-08-21 10:00:00.000000',
    '2025-08-21 10:00:00.000000');
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, progress, submission_ready, record_source, start_academic_cycle_id, created_at, updated_at)
  values (1044, 'Kz4VxT8cRb6WyNm4GqHs9pBd', 2, '2N2-25-1044', 'Kezia', 'Brooks', 'kezia.brooks@trainee.example',
    '2002-12-01', 0, 1, '{"personal_details":true,"degrees":true}', false, 'manual', 25, '2025-08-22 10:00:00.000000',
    '2025-08-22 10:00:00.000000');
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, progress, submission_ready, record_source, start_academic_cycle_id, created_at, updated_at)
  values (1045, 'Kz5VxT8cRb6WyNm4GqHs9pCd', 2, '2N2-25-1045', 'Kezia', 'Brooks', 'Kezia.Brooks@trainee.example',
    '2002-12-01', 0, 1, '{"personal_details":true,"degrees":true}', false, 'manual', 25, '2025-08-23 10:00:00.000000',
    '2025-08-23 10:00:00.000000');

-- 2021, DTTP: 1046's record was deleted there; 1047's employing school has a status that Register does not take; 1048's is
-- not there at all.

insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, submitted_for_trn_at, progress, submission_ready, record_source, start_academic_cycle_id, dttp_id,
    placement_assignment_dttp_id, created_at, updated_at)
  values (1046, 'Dt6VxT8cRb6WyNm4GqHs9pAd', 2, '2N2-21-1046', 'Bryn', 'Hopkins', 'bryn.hopkins@trainee.example',
    '1998-06-17', 1, 1, '2021-10-01 09:12:33.456789', '{"personal_details":true,"degrees":true}', true, 'manual', 21,
    '6a3c0f3e-5d0e-4c1b-9d5f-2f6b1f0b4d46', '6a3c0f3e-5d0e-4c1b-9d5f-2f6b1f0b4e46', '2021-09-20 08:00:00.000000',
    '2021-10-01 09:13:02.000411');
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, submitted_for_trn_at, progress, submission_ready, record_source, start_academic_cycle_id,
    lead_school_id, employing_school_id, created_at, updated_at)
  values (1047, 'Dt7VxT8cRb6WyNm4GqHs9pBd', 2, '2N2-21-1047', 'Cara', 'Nolan', 'cara.nolan@trainee.example',
    '1995-02-09', 1, 4, '2021-10-02 11:00:00.000123', '{"personal_details":true,"degrees":true}', true, 'manual', 21,
    71020, 80001, '2021-09-21 08:00:00.000000', '2021-10-02 11:00:00.000123');
insert into trainees (id, slug, provider_id, provider_trainee_id, first_names, last_name, email, date_of_birth, state,
    training_route, submitted_for_trn_at, progress, submission_ready, record_source, start_academic_cycle_id,
    lead_school_id, employing_school_id, created_at, updated_at)
  values (1048, 'Dt8VxT8cRb6WyNm4GqHs9pCd', 2, '2N2-21-1048', 'Dev', 'Anand', 'dev.anand@trainee.example',
    '1993-10-30', 1, 4, '2021-10-02 12:00:00.000456', '{"personal_details":true,"degrees":true}', true, 'manual', 21,
    71020, 80004, '2021-09-22 08:00:00.000000', '2021-10-02 12:00:00.000456');


insert into degrees (id, trainee_id, slug, locale_code, institution, institution_uuid, uk_degree, subject, grade, graduation_year, country, created_at, updated_at) values
  (301, 1001, 'Fawm9qwnaVUs6BphYcCs7SYD', 0, 'University of Westbrook', '26d93499-6f0b-4c53-9df1-53c7f07562d5', 'Bachelor of Science', 'Mathematics', 'First-class honours', 2016, null, '2024-08-28 10:00:00.000000', '2024-08-28 10:00:00.000000'),
  (302, 1002, 'fYMjSA65x446SyV1kA5V85uV', 0, 'University of Leeds', '36af29c9-6f0b-4c53-9df1-c4447583fd91', 'Bachelor of Science', 'Physics', 'Upper second-class honours (2:1)', 2017, null, '2024-08-28 10:00:00.000000', '2024-08-28 10:00:00.000000'),
  (303, 1003, 'nFDA1U8ESEP5txHDy88GNbXb', 0, 'University of Bristol', 'bfc749c0-6f0b-4c53-9df1-21510f76663a', 'Bachelor of Arts', 'English literature', 'First-class honours', 2018, null, '2024-08-28 10:00:00.000000', '2024-08-28 10:00:00.000000'),
  (304, 1012, 'MF746QmYba6g37eVsHts6GBh', 0, 'University of York', 'aa69e221-6f0b-4c53-9df1-b350715dcf5b', 'Bachelor of Science', 'Mathematics', 'Upper second-class honours (2:1)', 2019, null, '2024-08-28 10:00:00.000000', '2024-08-28 10:00:00.000000'),
  (305, 1020, 'AMFPibNBjapRNLvkPp1BLEGL', 0, 'University of Warwick', '1441d5dd-6f0b-4c53-9df1-29336bb96701', 'Master of Mathematics', 'Mathematics', 'First-class honours', 2020, null, '2024-08-28 10:00:00.000000', '2024-08-28 10:00:00.000000'),
  (306, 1027, '3CyYRE9j8pURNE6FLDg167K3', 0, 'University of Hull', 'd7d24866-6f0b-4c53-9df1-12f22db1d6c7', 'Bachelor of Arts', 'English literature', 'Upper second-class honours (2:1)', 2021, null, '2024-08-28 10:00:00.000000', '2024-08-28 10:00:00.000000');

-- What the application wrote about all this; times in the documents have three decimals, as the gem writes them.
insert into audits (id, auditable_id, auditable_type, associated_id, associated_type, user_id, user_type, username, action, audited_changes, version, comment, remote_address, request_uuid, created_at) values
  (1, 1009, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"MAVa34jVdzydByskc6U5u3HR","state":0,"provider_id":4,"training_route":3,"first_names":"Zainab","last_name":"Rahman","record_source":"manual"}', 1, null, '198.51.100.7', 'd7c8a0b5-cbdb-4a77-adaf-924e1c3c2b59', '2019-08-23 14:43:02.627825'),
  (2, 1009, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2019-09-10T16:40:33.186Z"]}', 2, null, '198.51.100.7', '1a7c5ef7-1571-4d6a-a10f-a84c0dbc11a9', '2019-09-10 16:40:33.186955'),
  (3, 1009, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2020-06-18"],"recommended_for_award_at":[null,"2020-06-30T14:42:57.816Z"]}', 3, null, '198.51.100.7', '18316f98-950a-463c-abae-3b11f7d5e02e', '2020-06-30 14:42:57.816903'),
  (4, 1009, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2020-07-09T16:27:24.651Z"]}', 4, null, null, '8031e022-c5d6-4c29-ad93-9edb73f378e9', '2020-07-09 16:27:24.651321'),
  (5, 1014, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"xD7mTq2ZyV9kRwNc5GsBp8Jh","state":0,"provider_id":4,"training_route":9,"first_names":"Harry","last_name":"Barker","record_source":"manual"}', 1, null, '198.51.100.7', 'eb1f17d4-8750-4cea-a6bc-8d569788d595', '2020-08-17 15:27:59.614924'),
  (6, 1010, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"aLkxUU5xen1Z6iHxECZiurss","state":0,"provider_id":1,"training_route":1,"first_names":"Muhammad","last_name":"Ali","record_source":"manual"}', 1, null, '198.51.100.7', '5a36a647-46c0-4107-a216-ed4fb3efaa26', '2020-08-27 16:31:36.420461'),
  (7, 1010, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2020-09-06T08:29:49.345Z"]}', 2, null, '198.51.100.7', '70b60cf1-7afd-499c-a91e-e7aff6851102', '2020-09-06 08:29:49.345051'),
  (8, 1014, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2020-09-12T17:06:39.880Z"]}', 2, null, '198.51.100.7', 'b1b4ef1b-15df-4f3e-a619-55dacc1ab6f8', '2020-09-12 17:06:39.880853'),
  (9, 1010, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001010"]}', 3, null, null, 'f25c69d3-d993-4e30-a2a6-8b6fb0c5334a', '2020-09-14 14:25:00.784437'),
  (10, 1014, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001014"]}', 3, null, null, '6bc61fd3-518a-4d1b-ae3f-a57ffb01ca19', '2020-09-14 14:30:37.911592'),
  (11, 1010, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2021-06-25"],"recommended_for_award_at":[null,"2021-06-28T17:54:18.667Z"]}', 4, null, '198.51.100.7', '5915d753-dbff-4de8-aaa9-d69c2e686f44', '2021-06-28 17:54:18.667400'),
  (12, 1016, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"hR6wNz9cKt3VxYb8QmPs2GfL","state":0,"provider_id":1,"training_route":14,"first_names":"Oscar","last_name":"Webb","record_source":"manual"}', 1, null, '198.51.100.7', '1f3d48f9-0068-47de-a678-1e8061b135a8', '2023-08-10 12:45:47.240846'),
  (13, 1018, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"bN5kZw7RxV2tQyMc9GsKp6Hd","state":0,"provider_id":4,"training_route":0,"first_names":"Theo","last_name":"Moran","record_source":"manual"}', 1, null, '198.51.100.7', 'e5d6ac97-a8d4-42fc-a4f4-fe1d80f8967f', '2023-08-14 12:14:16.432062'),
  (14, 1012, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"Gy5cVb8KzR3xTn7WmQsH2pLd","state":0,"provider_id":2,"training_route":1,"first_names":"Leo","last_name":"Grant","record_source":"manual"}', 1, null, '198.51.100.7', '4cd51b96-a441-4784-a5f9-3e90b389ad3c', '2023-08-15 16:02:54.367425'),
  (15, 1037, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"uuTrNs99h7iYrUXJveXhurbf","state":0,"provider_id":4,"training_route":1,"first_names":"Alice","last_name":"Byrne","record_source":"manual"}', 1, null, '198.51.100.7', 'b9401f34-0f66-4a22-ae23-36e62f202971', '2023-08-16 14:01:13.784289'),
  (16, 1017, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"Tq3VyK8xRz5nWmCb7GsHp4Ld","state":0,"provider_id":2,"training_route":1,"first_names":"Aisha","last_name":"Siddiqui","record_source":"manual"}', 1, null, '198.51.100.7', 'd31d401d-2ed0-4e4c-a636-1bef8dceba97', '2023-08-19 09:46:03.397811'),
  (17, 1039, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"Yb8KzT4xRc6VnMw9GsQp2HdF","state":0,"provider_id":3,"training_route":1,"first_names":"Hana","last_name":"Suzuki","record_source":"manual"}', 1, null, '198.51.100.7', 'f04278aa-f483-4b51-ad2a-f4bd55e7f130', '2023-08-19 16:48:12.842760'),
  (18, 1013, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"pK4zXw9VtN6cRb2mGyQs8HfD","state":0,"provider_id":1,"training_route":4,"first_names":"Evie","last_name":"Sutton","record_source":"manual"}', 1, null, '198.51.100.7', 'be346257-7562-4723-abc5-f5192ac79720', '2023-08-21 09:31:36.022679'),
  (19, 1015, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"Vs8KcZ4bXn6TyRm3WqHg9pFd","state":0,"provider_id":3,"training_route":1,"first_names":"Chloe","last_name":"Price","record_source":"manual"}', 1, null, '198.51.100.7', 'c29985d7-2433-42b0-a3f0-8327e695a313', '2023-08-23 14:25:29.451885'),
  (20, 1036, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"ahuba2eEPoZTs94ZCYq4MSix","state":0,"provider_id":2,"training_route":5,"first_names":"Rhys","last_name":"Lloyd","record_source":"manual"}', 1, null, '198.51.100.7', '2f88163f-fdcb-4cd5-a39b-150b0dbf81a6', '2023-08-25 08:38:29.254696'),
  (21, 1019, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"Kz9mXc4TvR6yNbW3QsGp8HdF","state":0,"provider_id":3,"training_route":3,"first_names":"Ruby","last_name":"Holt","record_source":"manual"}', 1, null, '198.51.100.7', '619617b4-8638-43c3-a0a0-fa7e30d40890', '2023-08-26 10:04:15.156349'),
  (22, 1019, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-03T08:13:29.827Z"]}', 2, null, '198.51.100.7', '0c62f8c2-d2b9-4f5b-abff-6b713cfddbdf', '2023-09-03 08:13:29.827525'),
  (23, 1013, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-05T11:18:54.972Z"]}', 2, null, '198.51.100.7', '7435f4cf-491a-4074-a5dd-e41c6253a826', '2023-09-05 11:18:54.972573'),
  (24, 1036, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-06T08:18:42.946Z"]}', 2, null, '198.51.100.7', 'f2979d93-2d9c-4621-a699-2baa8f977802', '2023-09-06 08:18:42.946936'),
  (25, 1018, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-06T12:40:42.989Z"]}', 2, null, '198.51.100.7', 'd960c79d-0f1e-487e-af6f-7d75184ff602', '2023-09-06 12:40:42.989702'),
  (26, 1015, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-07T12:38:02.131Z"]}', 2, null, '198.51.100.7', '727b538f-db5e-486b-a98d-5798fbe3e374', '2023-09-07 12:38:02.131660'),
  (27, 1039, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-08T09:36:36.662Z"]}', 2, null, '198.51.100.7', 'fe64fac3-c847-4940-a262-18ce73c10ddc', '2023-09-08 09:36:36.662072'),
  (28, 1016, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-08T11:18:45.290Z"]}', 2, null, '198.51.100.7', '1e47681e-b112-402e-ac65-ba1f3d239bc9', '2023-09-08 11:18:45.290919'),
  (29, 1037, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-09T16:40:08.507Z"]}', 2, null, '198.51.100.7', '87017167-6c61-4a20-a26a-f6288900625e', '2023-09-09 16:40:08.507872'),
  (30, 1012, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-10T08:31:41.002Z"]}', 2, null, '198.51.100.7', 'be579b63-2e37-4760-a063-61d30cd90470', '2023-09-10 08:31:41.002707'),
  (31, 1017, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2023-09-10T17:48:31.219Z"]}', 2, null, '198.51.100.7', '64feef78-634d-47e4-aaec-93b42156aaf5', '2023-09-10 17:48:31.219083'),
  (32, 1013, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001013"]}', 3, null, null, 'bd136570-15e0-473a-a6dd-8a13bb75c29c', '2023-09-14 09:56:51.567080'),
  (33, 1036, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001036"]}', 3, null, null, '153832c5-1ab2-466d-a460-c611e51141b2', '2023-09-14 11:10:26.412755'),
  (34, 1015, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001015"]}', 3, null, null, 'a5c47722-4d7b-4f5c-aad9-cdec0c29f12b', '2023-09-14 11:55:59.397151'),
  (35, 1019, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001019"]}', 3, null, null, 'eb96effa-ed3f-4272-a53d-7f94d61714fa', '2023-09-14 12:36:50.616742'),
  (36, 1039, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001039"]}', 3, null, null, '8f78112b-a6bd-4ce8-a5f8-03c43081f574', '2023-09-14 13:16:53.123527'),
  (37, 1012, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001012"]}', 3, null, null, 'bde85ad7-cb84-43c2-abbd-f9b71cb3a6e2', '2023-09-14 15:31:16.674817'),
  (38, 1016, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001016"]}', 3, null, null, '28c94fcd-5b3c-4681-a3b0-d95d9e4fc373', '2023-09-14 15:49:40.901948'),
  (39, 1017, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001017"]}', 3, null, null, '43777b16-b5f7-4a91-a1fc-bfd070bf111e', '2023-09-14 16:34:26.466929'),
  (40, 1018, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001018"]}', 3, null, null, 'd4cdfbf5-e950-45a0-a8f4-96ca8ce01024', '2023-09-14 16:35:17.500110'),
  (41, 1037, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001037"]}', 3, null, null, '4e0257bd-559d-46e6-ad0d-b4fd19b6d970', '2023-09-14 17:03:10.864806'),
  (42, 1036, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2024-06-26"],"recommended_for_award_at":[null,"2024-06-28T14:52:52.092Z"]}', 4, null, '198.51.100.7', '43eb8d1e-4ca7-44a6-addd-aa2ea59cea9f', '2024-06-28 14:52:52.092576'),
  (43, 1037, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2024-06-27"],"recommended_for_award_at":[null,"2024-06-28T17:12:53.706Z"]}', 4, null, '198.51.100.7', 'b5447802-2d67-40b9-a798-d8b82e2c402b', '2024-06-28 17:12:53.706062'),
  (44, 1039, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2024-06-25"],"recommended_for_award_at":[null,"2024-06-29T16:27:27.323Z"]}', 4, null, '198.51.100.7', 'd7676d02-70a9-405b-aeb5-7f3be08d9046', '2024-06-29 16:27:27.323772'),
  (45, 1037, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2024-07-05T08:00:00.000Z"]}', 5, null, null, '2dcb2420-59fd-4841-a55c-5c730a146e27', '2024-07-05 08:00:00.000001'),
  (46, 1036, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2024-07-08T08:22:26.492Z"]}', 5, null, null, 'cd5aa904-03ee-49f5-a105-01242d4894e0', '2024-07-08 08:22:26.492604'),
  (47, 1039, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2024-07-08T16:32:33.013Z"]}', 5, null, null, '3ea6f21d-3010-4cf9-ae82-c0ba002f8f2a', '2024-07-08 16:32:33.013171'),
  (48, 1002, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"Qm4TzX8vLr2NpB7sWkYd9HcJ","state":0,"provider_id":1,"training_route":4,"first_names":"Oliver","last_name":"Bennett","record_source":"manual"}', 1, null, '198.51.100.7', '76c2eb9a-13d1-41da-a848-83fac8707d11', '2024-08-10 10:15:09.933545'),
  (49, 1029, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"QYrH6zqe3CFHs2U5dcSUXiLY","state":0,"provider_id":1,"training_route":9,"first_names":"Layla","last_name":"Haddad","record_source":"hesa_collection"}', 1, null, '198.51.100.7', '02051e1a-f4b9-4eef-af0b-638df15b2afd', '2024-08-10 11:13:43.594389'),
  (50, 1040, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"2iAUEbX7wTLTaq8UCSLFTNzo","state":0,"provider_id":4,"training_route":1,"first_names":"Samuel","last_name":"Cole","record_source":"manual"}', 1, null, '198.51.100.7', 'bfb8ee61-4e76-4594-aa1d-64c1eeb4dfc2', '2024-08-10 11:15:21.032758'),
  (51, 1004, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"e5hGkV9aTqXw2ZmRn8BcYp4D","state":0,"provider_id":1,"training_route":0,"first_names":"Noah","last_name":"Fletcher","record_source":"manual"}', 1, null, '198.51.100.7', 'f05be1ff-489e-4d08-a5ce-b4a19b1f6b60', '2024-08-10 14:24:42.781308'),
  (52, 1031, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"LBB5vFHrJSgcditnvN127GH2","state":0,"provider_id":3,"training_route":14,"first_names":"Erin","last_name":"Walsh","record_source":"manual"}', 1, null, '198.51.100.7', '36bf0ebb-a74c-4241-a51b-35f0338092f8', '2024-08-10 15:44:05.592535'),
  (53, 1035, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"3WBZmZi4QuzSCwVAMPTiAhDi","state":0,"provider_id":1,"training_route":1,"first_names":"Maryam","last_name":"Aziz","record_source":"manual"}', 1, null, '198.51.100.7', '6b4dd452-3ecc-48ca-add8-be1d91670bcc', '2024-08-10 16:38:43.411793'),
  (54, 1028, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"oJb2335CYWKpqYTsjKv22aTf","state":0,"provider_id":4,"training_route":7,"first_names":"Finn","last_name":"Quinn","record_source":"manual"}', 1, null, '198.51.100.7', 'ccdc3153-7b10-4f67-ac91-ed825793e3b5', '2024-08-12 13:26:14.435669'),
  (55, 1003, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"Ht7WnC3xRb9KyV2mFzPq5LdS","state":0,"provider_id":3,"training_route":1,"first_names":"Isla","last_name":"Kaur","record_source":"manual"}', 1, null, '198.51.100.7', '78a29bed-4a9f-4dc2-adc8-7b0fe37f0358', '2024-08-12 17:40:39.186067'),
  (56, 1042, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"yuGiVczxca8wLCDVhMN1DokW","state":0,"provider_id":3,"training_route":5,"first_names":"Luca","last_name":"Rossi","record_source":"manual"}', 1, null, '198.51.100.7', '541898bb-4164-4c0d-af0a-35730b9c3051', '2024-08-14 14:14:57.528987'),
  (57, 1008, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"c2VxTq7NhZ8mRwKs4YgBp9Jd","state":0,"provider_id":1,"training_route":8,"first_names":"Arthur","last_name":"Whitfield","record_source":"manual"}', 1, null, '198.51.100.7', '31000adb-8fc8-4987-a231-ae4024d0b746', '2024-08-15 17:30:10.878180'),
  (58, 1032, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"Vn7RxK3cTz9WmYb5GsQp4HdF","state":0,"provider_id":2,"training_route":1,"first_names":"Kofi","last_name":"Mensah","record_source":"manual"}', 1, null, '198.51.100.7', 'c2c8369c-7355-4f83-ae92-ceac7605253f', '2024-08-16 14:03:14.822144'),
  (59, 1041, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"MPz4fEWws8k9xLMGwQKDCE3K","state":0,"provider_id":1,"training_route":10,"first_names":"Bethan","last_name":"Parry","record_source":"manual"}', 1, null, '198.51.100.7', 'e803902d-57ed-417a-a492-67c30cbe0645', '2024-08-17 10:03:53.373412'),
  (60, 1007, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"Zr8yLd5KxW2hQcT9bVnMs3Gf","state":0,"provider_id":3,"training_route":1,"first_names":"Mia","last_name":"Marsh","record_source":"manual"}', 1, null, '198.51.100.7', '92e08a45-3aa1-496a-a304-d1533a14ef88', '2024-08-17 12:09:54.029922'),
  (61, 1030, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"PjLpAWnYie93CiDuqCrJ1HBQ","state":0,"provider_id":1,"training_route":12,"first_names":"Ethan","last_name":"Reid","record_source":"manual"}', 1, null, '198.51.100.7', 'eee57792-b3fd-4b0b-a417-dda2b6b8115d', '2024-08-18 17:35:45.840751'),
  (62, 1006, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"uA9mPz4cXk7VtR2wGsBn6YfE","state":0,"provider_id":2,"training_route":11,"first_names":"George","last_name":"Patel","record_source":"manual"}', 1, null, '198.51.100.7', '27650027-8ce2-463f-ad0b-8f4867ef3310', '2024-08-22 17:37:31.580887'),
  (63, 1001, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"7xKqRmT2pZ9sVbN4wYcD6fGh","state":0,"provider_id":2,"training_route":1,"first_names":"Amelia","last_name":"Hughes","record_source":"manual"}', 1, null, '198.51.100.7', 'd275552f-fab5-463f-ab27-aa6caef65e1f', '2024-08-23 08:44:38.585589'),
  (64, 1027, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"Zw4KxT9cRv6NmYb2GsQp7HdL","state":0,"provider_id":2,"training_route":4,"first_names":"Poppy","last_name":"Lowe","record_source":"manual"}', 1, null, '198.51.100.7', '66a0016a-9548-47af-a0dd-9bb9d19e9821', '2024-08-24 15:56:37.104450'),
  (65, 1011, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"Nb6TkR9wXz3cVm8QyHsG5pLf","state":0,"provider_id":2,"training_route":1,"first_names":"Freya","last_name":"Larsson","record_source":"manual"}', 1, null, '198.51.100.7', 'c5a68a28-3e5c-46c4-aa66-d9119d6beb54', '2024-08-26 16:42:47.587375'),
  (66, 1033, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"8SdBL16DWSjygj9yhvvy7kG5","state":0,"provider_id":1,"training_route":1,"first_names":"Molly","last_name":"Frost","record_source":"manual"}', 1, null, '198.51.100.7', 'a5511ccc-6006-472f-aa9f-c7d789c41647', '2024-08-27 08:40:16.154811'),
  (67, 1005, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"Jw3bNs6Zy8TfKc2RxQvM7hDg","state":0,"provider_id":4,"training_route":9,"first_names":"Ava","last_name":"Doyle","record_source":"manual"}', 1, null, '198.51.100.7', '1ef58ea3-8b0d-455d-afed-210a0844cae3', '2024-08-27 14:37:07.976338'),
  (68, 1034, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"tR9ZxK5cVw7NnYb3GsQp8HdL","state":0,"provider_id":4,"training_route":3,"first_names":"Dylan","last_name":"Evans","record_source":"manual"}', 1, null, '198.51.100.7', '0a33eb6f-9039-4f78-a603-0ad346492e5a', '2024-08-27 16:43:05.241328'),
  (69, 1002, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-03T08:43:00.558Z"]}', 2, null, '198.51.100.7', '7d64438f-70de-403d-aae3-b5f2304fd75d', '2024-09-03 08:43:00.558849'),
  (70, 1028, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-03T12:24:52.998Z"]}', 2, null, '198.51.100.7', '912022eb-69af-4404-a65c-d222f492acad', '2024-09-03 12:24:52.998984'),
  (71, 1031, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-04T16:51:38.898Z"]}', 2, null, '198.51.100.7', 'b1a095f0-8268-4d50-aeb0-30b3ab6df3fe', '2024-09-04 16:51:38.898049'),
  (72, 1005, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-06T12:36:26.884Z"]}', 2, null, '198.51.100.7', '9d8a1f93-0015-46b3-a84d-3d02b669d09b', '2024-09-06 12:36:26.884195'),
  (73, 1007, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-06T13:27:04.770Z"]}', 2, null, '198.51.100.7', '17fa83ad-27e6-44b6-a2be-dea3ce79643a', '2024-09-06 13:27:04.770509'),
  (74, 1041, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-06T15:12:19.110Z"]}', 2, null, '198.51.100.7', '5117967c-8d74-4bb7-a4ae-a2575d246378', '2024-09-06 15:12:19.110543'),
  (75, 1034, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-07T09:36:03.927Z"]}', 2, null, '198.51.100.7', 'f67e5efd-e5e7-4d63-a4ea-020e936bb32b', '2024-09-07 09:36:03.927709'),
  (76, 1004, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-07T12:25:59.668Z"]}', 2, null, '198.51.100.7', '16b11fd8-8db3-4faf-a85e-58d0dcca6110', '2024-09-07 12:25:59.668594'),
  (77, 1032, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-08T15:50:44.990Z"]}', 2, null, '198.51.100.7', 'cc4dd58c-938f-4180-a442-021e05ed1375', '2024-09-08 15:50:44.990990'),
  (78, 1003, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-09T11:48:03.554Z"]}', 2, null, '198.51.100.7', 'ececc6c8-02c0-420f-a87a-9ef55775ca00', '2024-09-09 11:48:03.554818'),
  (79, 1011, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-09T16:36:45.213Z"]}', 2, null, '198.51.100.7', '4a477a48-2b30-4813-a819-9de6dcccf8c6', '2024-09-09 16:36:45.213255'),
  (80, 1029, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-10T08:58:47.385Z"]}', 2, null, '198.51.100.7', '56b6e52d-d408-4966-a8e8-5c1af83a5e39', '2024-09-10 08:58:47.385287'),
  (81, 1030, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-10T10:02:11.085Z"]}', 2, null, '198.51.100.7', 'bc662b40-369e-41ba-a578-b49e752be247', '2024-09-10 10:02:11.085261'),
  (82, 1001, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-10T13:05:44.000Z"]}', 2, null, '198.51.100.7', '34e2e127-5946-4876-ace1-c4e71ca5c0d7', '2024-09-10 13:05:44.000042'),
  (83, 1035, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-11T16:07:20.382Z"]}', 2, null, '198.51.100.7', '1227b03d-dd06-4306-a7e0-7d0506ab4635', '2024-09-11 16:07:20.382167'),
  (84, 1042, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-11T17:18:58.355Z"]}', 2, null, '198.51.100.7', '71761e6e-f2fb-4b2c-a0d7-2bde7bd5e0f9', '2024-09-11 17:18:58.355036'),
  (85, 1033, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-11T17:45:57.500Z"]}', 2, null, '198.51.100.7', '860cbf3f-acbe-4b39-a871-f3d5e8d9cdd8', '2024-09-11 17:45:57.500664'),
  (86, 1040, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-12T08:20:27.271Z"]}', 2, null, '198.51.100.7', 'a4b8a343-96e4-46ef-afa1-2eeb3952810e', '2024-09-12 08:20:27.271398'),
  (87, 1006, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-12T12:42:03.368Z"]}', 2, null, '198.51.100.7', 'ed1ff5a8-9c75-454d-a415-b3f9c261517d', '2024-09-12 12:42:03.368059'),
  (88, 1027, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-12T14:26:00.290Z"]}', 2, null, '198.51.100.7', '412c67d0-2e3f-4c59-a58a-c96e264d1132', '2024-09-12 14:26:00.290240'),
  (89, 1008, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2024-09-12T14:31:41.391Z"]}', 2, null, '198.51.100.7', '7df39473-0db0-407a-ac1b-39b8839256f2', '2024-09-12 14:31:41.391328'),
  (90, 1007, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001007"]}', 3, null, null, '5153e3d3-d39f-48fd-a3f7-9a1c27858398', '2024-09-14 09:02:25.086003'),
  (91, 1006, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001006"]}', 3, null, null, 'f1d04061-e5e1-41d8-a56a-8c0f647a4d57', '2024-09-14 09:03:28.014927'),
  (92, 1002, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001002"]}', 3, null, null, '743ea718-4771-4671-a90c-918545074cfe', '2024-09-14 09:52:58.895418'),
  (93, 1035, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001035"]}', 3, null, null, '46f91976-3e0f-4bc7-a434-f296ebea6029', '2024-09-14 10:03:20.593860'),
  (94, 1041, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001041"]}', 3, null, null, '62f4231c-728a-4a44-a5ba-1dd432a2d233', '2024-09-14 10:12:10.180493'),
  (95, 1030, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001030"]}', 3, null, null, '3f13b340-c6a7-4e65-aa42-9b2b8210e3ec', '2024-09-14 10:36:25.387158'),
  (96, 1040, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001040"]}', 3, null, null, '019fad76-58a5-48c6-a84e-0ec989f84467', '2024-09-14 10:54:00.692122'),
  (97, 1004, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001004"]}', 3, null, null, '2f418703-6046-45e0-a303-8451551c843c', '2024-09-14 12:05:24.314275'),
  (98, 1031, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001031"]}', 3, null, null, '682e543d-61ed-4e60-af69-451bc0b5ed23', '2024-09-14 12:09:38.692352'),
  (99, 1028, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001028"]}', 3, null, null, '711c7135-96c3-4686-a199-28cb4afce674', '2024-09-14 12:40:44.951092'),
  (100, 1008, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001008"]}', 3, null, null, '49fd2cbd-f44b-4723-a2c0-ebe8d812f7be', '2024-09-14 12:44:51.114807'),
  (101, 1033, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001033"]}', 3, null, null, 'a6eb3473-6c91-4113-a655-c291d5abe039', '2024-09-14 13:47:03.149733'),
  (102, 1029, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001029"]}', 3, null, null, '61f3fb1d-c8fa-4d8c-a1f5-14a51ce1564e', '2024-09-14 14:09:42.479214'),
  (103, 1034, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001034"]}', 3, null, null, 'd9eb0f05-2bbe-4dcc-a543-260f4c84cf40', '2024-09-14 14:09:50.698413'),
  (104, 1005, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001005"]}', 3, null, null, 'a4516fdd-aed8-41be-abca-287776adda2f', '2024-09-14 14:25:59.773286'),
  (105, 1011, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001011"]}', 3, null, null, '22fd8573-0112-479d-acfa-d4b44f81df5c', '2024-09-14 14:43:34.590601'),
  (106, 1003, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001003"]}', 3, null, null, '1b6a0aeb-037a-4fe5-ae0b-5ab28bd134b8', '2024-09-14 15:10:50.215782'),
  (107, 1001, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001001"]}', 3, null, null, '3e43cf56-b82d-4c9e-aa1e-13c58958c6f7', '2024-09-14 15:46:36.874341'),
  (108, 1032, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"0234567"]}', 3, null, null, 'b4f26989-6456-42f3-a529-6b0182a69101', '2024-09-14 17:17:19.568134'),
  (109, 1027, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001027"]}', 3, null, null, '5986261e-424f-4191-aae4-514e491257bb', '2024-09-14 17:18:57.376442'),
  (110, 1042, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[1,2],"trn":[null,"3001042"]}', 3, null, null, '5ec964aa-9d63-44ef-a06d-9b71ee92dddd', '2024-09-14 17:37:32.065265'),
  (111, 10271, 'Placement', 1027, 'Trainee', 2, 'User', null, 'create', '{"trainee_id":1027,"urn":"140272","name":"Oakfield Primary School"}', 1, null, '198.51.100.7', 'e9bf3a3f-d66e-4e36-a78b-7056897e8491', '2024-09-29 12:05:22.746577'),
  (112, 10270, 'Placement', 1027, 'Trainee', 2, 'User', null, 'create', '{"trainee_id":1027,"urn":"140271","name":"Riverside High School"}', 1, null, '198.51.100.7', 'fc4ff9fa-faf4-4cbf-a7be-407d10190f71', '2024-09-29 13:04:44.003066'),
  (113, 10272, 'Placement', 1027, 'Trainee', 2, 'User', null, 'create', '{"trainee_id":1027,"urn":"140273","name":"Harbour Academy"}', 1, null, '198.51.100.7', '84e5377d-ad0e-4f58-ab4b-766727c56f4b', '2024-09-29 14:46:40.231214'),
  (114, 10340, 'Placement', 1034, 'Trainee', 4, 'User', null, 'create', '{"trainee_id":1034,"urn":"140341","name":"St Mary''s CofE School"}', 1, null, '198.51.100.7', '8febb559-56ae-424b-aee8-ea79d0b2f057', '2024-09-29 15:27:12.301768'),
  (115, 509, 'TraineeWithdrawal', null, null, null, null, 'Anna Reyes via the Rails console', 'update', '{"date":["2024-03-01","2024-03-18"]}', 1, 'Zendesk 4402: provider gave the wrong day', null, 'c5f61511-75b5-4e7d-a507-2f18849da6ce', '2025-04-02 09:00:00.000000'),
  (116, 1001, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-26"],"recommended_for_award_at":[null,"2025-06-27T09:14:05.123Z"]}', 4, null, '198.51.100.7', 'c5c576b5-36a8-4fbc-abe0-28f364dd0b54', '2025-06-27 09:14:05.123456'),
  (117, 1035, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-26"],"recommended_for_award_at":[null,"2025-06-29T08:39:07.149Z"]}', 4, null, '198.51.100.7', 'fa29a5a0-2029-427f-a40c-dc6f977a49bf', '2025-06-29 08:39:07.149530'),
  (118, 1004, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-26"],"recommended_for_award_at":[null,"2025-06-29T10:49:32.775Z"]}', 4, null, '198.51.100.7', '7030de53-ed88-4db9-ac9e-b523a5d19e2e', '2025-06-29 10:49:32.775035'),
  (119, 1005, 'Trainee', 4, 'Provider', 4, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-20"],"recommended_for_award_at":[null,"2025-06-29T13:20:38.249Z"]}', 4, null, '198.51.100.7', 'c5d40ea8-3abf-450e-a36c-2bbc19df6ed6', '2025-06-29 13:20:38.249849'),
  (120, 1003, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-23"],"recommended_for_award_at":[null,"2025-06-29T15:55:13.273Z"]}', 4, null, '198.51.100.7', '255f9f51-b72c-4a21-aa04-e948580530ee', '2025-06-29 15:55:13.273772'),
  (121, 1006, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-24"],"recommended_for_award_at":[null,"2025-06-29T15:55:21.882Z"]}', 4, null, '198.51.100.7', '31f27b03-368b-4bad-a7ad-8bbf102dde42', '2025-06-29 15:55:21.882513'),
  (122, 1002, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-16"],"recommended_for_award_at":[null,"2025-06-29T16:28:07.939Z"]}', 4, null, '198.51.100.7', 'fd530c22-d45e-446d-a788-8d513e0cd75b', '2025-06-29 16:28:07.939919'),
  (123, 1007, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-23"],"recommended_for_award_at":[null,"2025-06-30T09:01:47.469Z"]}', 4, null, '198.51.100.7', '7e16bbd5-2e6e-4628-a6b7-ae51bbea7abc', '2025-06-30 09:01:47.469257'),
  (124, 1008, 'Trainee', 1, 'Provider', 1, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-27"],"recommended_for_award_at":[null,"2025-06-30T10:54:16.120Z"]}', 4, null, '198.51.100.7', '628854f8-b6a5-494c-a85a-a37863c4f869', '2025-06-30 10:54:16.120793'),
  (125, 1011, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[2,3],"outcome_date":[null,"2025-06-24"],"recommended_for_award_at":[null,"2025-06-30T11:20:51.007Z"]}', 4, null, '198.51.100.7', 'd7bce739-39d9-4cef-a2d6-0d8ad2b49e31', '2025-06-30 11:20:51.007310'),
  (126, 1004, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-02T15:33:46.783Z"]}', 5, null, null, '26d95b14-2ede-4e4e-aa20-145f6eba27ed', '2025-07-02 15:33:46.783370'),
  (127, 1011, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-03T08:00:04.119Z"]}', 5, null, null, '9167ad9e-056b-4018-a0d9-4c258a855a3b', '2025-07-03 08:00:04.119006'),
  (128, 1001, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-04T08:00:12.654Z"]}', 5, null, null, '4620d36d-73d7-4852-a8ad-78ac302261b6', '2025-07-04 08:00:12.654321'),
  (129, 1007, 'Trainee', 3, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-06T09:52:22.983Z"]}', 5, null, null, '114a0172-5118-4815-a510-936f845b940c', '2025-07-06 09:52:22.983047'),
  (130, 1002, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-06T12:25:35.596Z"]}', 5, null, null, '800672dc-4665-442a-a93b-761bda30efb5', '2025-07-06 12:25:35.596642'),
  (131, 1006, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-07T15:00:00.552Z"]}', 5, null, null, '1ebcaa11-c2e6-4167-a7b2-c928afd84882', '2025-07-07 15:00:00.552082'),
  (132, 1005, 'Trainee', 4, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-09T09:37:49.535Z"]}', 5, null, null, 'd3b920b1-a48e-4510-a868-71488c46b5d3', '2025-07-09 09:37:49.535742'),
  (133, 1008, 'Trainee', 1, 'Provider', null, null, null, 'update', '{"state":[3,6],"awarded_at":[null,"2025-07-09T16:06:14.292Z"]}', 5, null, null, '81d79ce4-d81d-4ad6-a09c-681e00e730fa', '2025-07-09 16:06:14.292661'),
  (134, 1011, 'Trainee', 2, 'Provider', null, null, 'Anna Reyes via the Rails console', 'update', '{"state":[6,2],"outcome_date":["2025-06-24",null],"recommended_for_award_at":["2025-06-30T11:20:51.007Z",null],"awarded_at":["2025-07-03T08:00:04.119Z",null]}', 6, 'Zendesk 4630: recommended by mistake, DQT-20618', null, '67404731-eabb-4517-a7d8-9041d7bd56f2', '2025-07-16 10:31:09.482113'),
  (135, 1026, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"kT8RxZ5cVw3NnMb9GsYp6HdF","state":0,"provider_id":3,"training_route":4,"first_names":"Ravi","last_name":"Sharma","record_source":"manual"}', 1, null, '198.51.100.7', 'ba7b50c6-80fb-4d2b-ac90-6227536b2d0a', '2025-08-10 17:37:24.321407'),
  (136, 1038, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"mLyMsmd4ygb9DtVziGCSyJnf","state":0,"provider_id":2,"training_route":1,"first_names":"Jack","last_name":"Ellis","record_source":"manual"}', 1, null, '198.51.100.7', '56a6d8b3-8379-419d-a140-f953328159dd', '2025-08-11 09:15:44.082766'),
  (137, 1022, 'Trainee', 4, 'Provider', 4, 'User', null, 'create', '{"slug":"Rn7VxK4zTc9WmYb3QsGp6HdF","state":0,"provider_id":4,"training_route":2,"first_names":"Idris","last_name":"Owusu","record_source":"manual"}', 1, null, '198.51.100.7', '0a4f8c7e-831d-476c-a46b-c641831f8932', '2025-08-13 08:53:53.852832'),
  (138, 1023, 'Trainee', 3, 'Provider', 3, 'User', null, 'create', '{"slug":"fG8kZx3RwT6cVnMb5YsQp9Hd","state":0,"provider_id":3,"training_route":1,"first_names":null,"last_name":null,"record_source":"manual"}', 1, null, '198.51.100.7', 'df814dcb-d152-4eb9-a9eb-1d957c106f16', '2025-08-18 10:16:36.473526'),
  (139, 1021, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"yT5RwZ9kXc3VnMb7GsQp2HdL","state":0,"provider_id":1,"training_route":3,"first_names":"Ella","last_name":"Carver","record_source":"manual"}', 1, null, '198.51.100.7', '41f6880c-3ae2-4b5f-ab80-967b21bfcf83', '2025-08-19 11:22:06.758855'),
  (140, 1020, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"Wm2XzT8cRk6VyNb4GqHs9pFd","state":0,"provider_id":2,"training_route":1,"first_names":"Jack","last_name":"Ellis","record_source":"manual"}', 1, null, '198.51.100.7', '1e0759d6-14ee-44f1-ab13-5adae3be4484', '2025-08-19 14:30:01.628382'),
  (141, 1025, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"mV3XzK7cTr9WnYb5GsQp8HdL","state":0,"provider_id":2,"training_route":1,"first_names":"Nia","last_name":"Morgan","record_source":"manual"}', 1, null, '198.51.100.7', '36250b17-ca66-4cc0-aefd-c8934776b0ca', '2025-08-23 10:21:58.281036'),
  (142, 1024, 'Trainee', 1, 'Provider', 1, 'User', null, 'create', '{"slug":"Xc6TvR9kZn4WmYb8GsQp3HdF","state":0,"provider_id":1,"training_route":1,"first_names":"Zoë","last_name":"O''Brien","record_source":"apply"}', 1, null, '198.51.100.7', '728ef6de-6f11-4636-afae-a418d46cde2f', '2025-08-23 16:42:45.076312'),
  (143, 1026, 'Trainee', 3, 'Provider', 3, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2025-09-04T08:02:57.083Z"]}', 2, null, '198.51.100.7', 'a46126b5-4125-4985-ac6c-174ff6218ec7', '2025-09-04 08:02:57.083818'),
  (144, 1025, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2025-09-06T12:13:27.383Z"]}', 2, null, '198.51.100.7', 'b37b77df-c225-4a59-a5c3-115ad070dd28', '2025-09-06 12:13:27.383479'),
  (145, 10200, 'Placement', 1020, 'Trainee', 2, 'User', null, 'create', '{"trainee_id":1020,"urn":"140201","name":"Oakfield Primary School"}', 1, null, '198.51.100.7', 'c9ac39cc-7917-40c0-aa6a-c969698a54fb', '2025-09-29 10:01:48.355795'),
  (146, 10201, 'Placement', 1020, 'Trainee', 2, 'User', null, 'create', '{"trainee_id":1020,"urn":"140202","name":"Harbour Academy"}', 1, null, '198.51.100.7', '806fe3b4-5a8d-484a-a178-118001411292', '2025-09-29 10:12:20.635543'),
  (147, 10210, 'Placement', 1021, 'Trainee', 1, 'User', null, 'create', '{"trainee_id":1021,"urn":"140211","name":"Harbour Academy"}', 1, null, '198.51.100.7', '1012efb6-6974-42d4-a63e-8dd187364105', '2025-09-29 10:31:01.649861'),
  (148, 1046, 'Trainee', 2, 'Provider', 2, 'User', null, 'create', '{"slug":"Dt6VxT8cRb6WyNm4GqHs9pAd","state":0,"provider_id":2,"training_route":1,"first_names":"Bryn","last_name":"Hopkins","record_source":"manual"}', 1, null, '198.51.100.7', '2d1c7f7e-6f0b-4c53-9df1-0c1b1f0b5146', '2021-09-20 08:00:00.000000'),
  (149, 1046, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2021-10-01T09:12:33.456Z"]}', 2, null, '198.51.100.7', '2d1c7f7e-6f0b-4c53-9df1-0c1b1f0b5246', '2021-10-01 09:12:33.456789'),
  (150, 1046, 'Trainee', 2, 'Provider', null, null, null, 'update', '{"dttp_id":[null,"6a3c0f3e-5d0e-4c1b-9d5f-2f6b1f0b4d46"],"placement_assignment_dttp_id":[null,"6a3c0f3e-5d0e-4c1b-9d5f-2f6b1f0b4e46"]}', 3, null, null, '2d1c7f7e-6f0b-4c53-9df1-0c1b1f0b5346', '2021-10-01 09:13:02.000411'),
  (151, 1047, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2021-10-02T11:00:00.000Z"]}', 1, null, '198.51.100.7', '2d1c7f7e-6f0b-4c53-9df1-0c1b1f0b5147', '2021-10-02 11:00:00.000123'),
  (152, 1048, 'Trainee', 2, 'Provider', 2, 'User', null, 'update', '{"state":[0,1],"submitted_for_trn_at":[null,"2021-10-02T12:00:00.000Z"]}', 1, null, '198.51.100.7', '2d1c7f7e-6f0b-4c53-9df1-0c1b1f0b5148', '2021-10-02 12:00:00.000456');
