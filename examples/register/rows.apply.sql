-- The same candidates at Apply. The type of the provider is right there by now.
insert into providers (id, code, name, provider_type, created_at, updated_at) values
  (1, 'W42', 'University of Westbrook', 'university', '2024-06-03 07:00:00.000000', '2024-06-03 07:00:00.000000'),
  (2, '2N2', 'Northgate SCITT', 'scitt', '2024-06-03 07:00:00.000000', '2025-07-22 09:30:00.000000');
insert into application_choices (id, provider_id, recruitment_cycle_year, course_uuid, status, recruited_at, created_at, updated_at) values
  (37001, 2, 2025, '3d9c1ea2-7b7e-4a0e-8f5c-0a6f1c2d3e01', 'recruited', '2025-06-30 10:11:12.000001', '2025-03-01 10:00:00.000000', '2025-06-30 10:11:12.000001'),
  (37002, 2, 2025, '3d9c1ea2-7b7e-4a0e-8f5c-0a6f1c2d3e01', 'recruited', '2025-07-01 10:11:12.000002', '2025-03-02 10:00:00.000000', '2025-07-01 10:11:12.000002'),
  (37003, 2, 2025, '3d9c1ea2-7b7e-4a0e-8f5c-0a6f1c2d3e02', 'recruited', '2025-07-01 11:11:12.000003', '2025-03-03 10:00:00.000000', '2025-07-01 11:11:12.000003'),
  (37004, 2, 2025, '3d9c1ea2-7b7e-4a0e-8f5c-0a6f1c2d3e02', 'recruited', '2025-06-01 11:11:12.000004', '2025-03-03 10:00:00.000000', '2025-06-01 11:11:12.000004'),
  (37005, 1, 2025, '3d9c1ea2-7b7e-4a0e-8f5c-0a6f1c2d3e03', 'recruited', '2025-07-01 11:11:12.000005', '2025-03-03 10:00:00.000000', '2025-07-01 11:11:12.000005');
