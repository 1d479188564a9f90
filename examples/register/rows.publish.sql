-- Publish: Northgate was corrected to scitt.
insert into recruitment_cycle (id, year) values (4, '2024'), (5, '2025');
insert into provider (id, recruitment_cycle_id, provider_code, provider_name, provider_type) values
  (11, 5, '2N2', 'Northgate SCITT', 'B'),
  (12, 4, '2N2', 'Northgate SCITT', 'B'),
  (13, 5, 'W42', 'University of Westbrook', 'O');
