-- Invented batches of invented teachers.
insert into batches (id, correlation_id, name, status, pipeline_configuration, total_essays, version, created_at, updated_at, processing_metadata) values
 ('b1a7c0de-0000-4000-8000-000000000001', 'c0a7c0de-0000-4000-8000-000000000001', 'Essays of 9B', 'processing_pipelines',
  '{"batch_id":"b1a7c0de-0000-4000-8000-000000000001","requested_pipelines":["spellcheck","cj_assessment"],"spellcheck":{"status":"failed","error_info":{"error":"storage was away"}},"cj_assessment":{"status":"pending_dependencies"},"spellcheck_status":"FAILED","spellcheck_completed_at":"2025-06-20T08:12:00Z"}',
  3, 4, '2025-06-20 08:00:00.000000', '2025-06-20 08:15:00.000000', '{"user_id":"teacher-17","course_code":"ENG5","class_designation":"9B","teacher_name":"Maja Lind","expected_essay_count":3}'),
 ('b1a7c0de-0000-4000-8000-000000000002', 'c0a7c0de-0000-4000-8000-000000000002', 'Essays of 8A', 'processing_pipelines',
  '{"spellcheck":{"status":"in_progress"},"spellcheck_status":"IN_PROGRESS"}',
  2, 3, '2025-06-21 08:00:00.000000', '2025-06-21 08:15:00.000000', '{"user_id":"teacher-17","course_code":"SV1","class_designation":"8A","teacher_name":"Maja Lind","expected_essay_count":2}'),
 ('b1a7c0de-0000-4000-8000-000000000003', 'c0a7c0de-0000-4000-8000-000000000003', 'Kafka was down for 7C', 'processing_pipelines',
  '{"cj_assessment":{"status":"failed"},"cj_assessment_status":"FAILED","cj_assessment_completed_at":"2025-06-19T10:00:00Z"}',
  2, 7, '2025-06-19 08:00:00.000000', '2025-06-19 10:15:00.000000', '{"user_id":"teacher-4","course_code":"SV2","class_designation":"7C","teacher_name":"Otto Berg","expected_essay_count":2}'),
 ('b1a7c0de-0000-4000-8000-000000000004', 'c0a7c0de-0000-4000-8000-000000000004', 'Lost essays of 6D', 'processing_pipelines',
  '{"nlp_metrics":{"status":"failed"},"nlp_status":"FAILED"}',
  1, 5, '2025-06-18 08:00:00.000000', '2025-06-18 10:15:00.000000', '{"user_id":"teacher-4","course_code":"ENG6","class_designation":"6D","teacher_name":"Otto Berg","expected_essay_count":1}'),
 ('b1a7c0de-0000-4000-8000-000000000005', 'c0a7c0de-0000-4000-8000-000000000005', 'Empty batch', 'failed_critically',
  '{"spellcheck_status":"FAILED"}',
  0, 2, '2025-06-17 08:00:00.000000', '2025-06-17 10:15:00.000000', '{"user_id":"teacher-17","course_code":"ENG5","class_designation":"9A","teacher_name":"Maja Lind","expected_essay_count":1}');
insert into batch_essays (batch_id, essay_id, content_reference) values
 ('b1a7c0de-0000-4000-8000-000000000001', 'e55a7000-0000-4000-8000-000000000011', '{"text_storage_id":"t-11","type":"text_content"}'),
 ('b1a7c0de-0000-4000-8000-000000000001', 'e55a7000-0000-4000-8000-000000000012', '{"text_storage_id":"t-12","type":"text_content"}'),
 ('b1a7c0de-0000-4000-8000-000000000001', 'e55a7000-0000-4000-8000-000000000013', '{"text_storage_id":"t-13","type":"text_content"}'),
 ('b1a7c0de-0000-4000-8000-000000000002', 'e55a7000-0000-4000-8000-000000000021', '{"text_storage_id":"t-21","type":"text_content"}'),
 ('b1a7c0de-0000-4000-8000-000000000002', 'e55a7000-0000-4000-8000-000000000022', '{"text_storage_id":"t-22","type":"text_content"}'),
 ('b1a7c0de-0000-4000-8000-000000000003', 'e55a7000-0000-4000-8000-000000000031', '{"text_storage_id":"t-31","type":"text_content"}'),
 ('b1a7c0de-0000-4000-8000-000000000003', 'e55a7000-0000-4000-8000-000000000032', '{"text_storage_id":"t-32","type":"text_content"}'),
 ('b1a7c0de-0000-4000-8000-000000000004', 'e55a7000-0000-4000-8000-000000000041', '{"text_storage_id":"t-41","type":"text_content"}');
