-- Applications of candidates of Northgate SCITT (2N2) for 2025. Publish had it as a university for some weeks, so Register refused
-- three of them (state 1) and will not look at them again by itself. 7004 became a trainee long before.
insert into apply_applications (id, apply_id, application, invalid_data, state, accredited_body_code, recruitment_cycle_year, created_at, updated_at) values
  (7001, 37001, '{"course":{"training_provider_type":"university"}}', '{}', 1, '2N2', 2025, '2025-07-01 01:00:12.100000', '2025-07-01 01:00:12.100000'),
  (7002, 37002, '{"course":{"training_provider_type":"university"}}', '{}', 1, '2N2', 2025, '2025-07-02 01:00:12.200000', '2025-07-02 01:00:12.200000'),
  (7003, 37003, '{"course":{"training_provider_type":"university"}}', '{}', 1, '2N2', 2025, '2025-07-02 01:00:12.300000', '2025-07-02 01:00:12.300000'),
  (7004, 37004, '{"course":{"training_provider_type":"scitt"}}', '{}', 3, '2N2', 2025, '2025-06-02 01:00:12.300000', '2025-06-02 04:00:12.300000'),
  (7005, 37005, '{"course":{"training_provider_type":"university"}}', '{}', 1, 'W42', 2025, '2025-07-02 01:00:12.400000', '2025-07-02 01:00:12.400000');
insert into apply_application_sync_requests (id, response_code, successful, recruitment_cycle_year, created_at, updated_at) values
  (501, 200, true, 2025, '2025-07-21 01:00:30.000000', '2025-07-21 01:00:30.000000'),
  (502, 500, false, 2025, '2025-07-22 01:00:30.000000', '2025-07-22 01:00:30.000000'),
  (503, 200, true, 2025, '2025-07-23 01:00:30.000000', '2025-07-23 01:00:30.000000');
