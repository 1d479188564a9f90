-- The same as a dry-run: look, change and look again in one transaction that is rolled back.
select * from trainees where slug = 'Ht7WnC3xRb9KyV2mFzPq5LdS' and discarded_at is null;
begin;
update trainees set state = 2, recommended_for_award_at = null, outcome_date = null, updated_at = now()
  where id = 1003 and state = 3;
insert into audits (auditable_type, auditable_id, associated_type, associated_id, action, audited_changes, comment, username,
    request_uuid, created_at, version)
  select 'Trainee', 1003, 'Provider', 3, 'update',
    '{"state":[3,2],"recommended_for_award_at":["2025-06-29T15:55:13.273Z",null],"outcome_date":["2025-06-23",null]}',
    'bench', 'bench via psql', '01a20225-d700-7742-8ea6-ca0e53a1b2c3', now(), coalesce(max(version), 0) + 1
  from audits where auditable_type = 'Trainee' and auditable_id = 1003;
select * from trainees where slug = 'Ht7WnC3xRb9KyV2mFzPq5LdS' and discarded_at is null;
rollback;
