\set id random(1, :rows)
begin;
select state, training_route from trainees where id = :id for update;
update trainees set training_route = 2, dqt_synced_at = now(), updated_at = now() where id = :id and state = 3;
insert into audits (record_type, record_id, action, changes, comment, created_at) values ('Trainee', :id, 'update', '{"training_route":[1,2]}', 'bench', now());
select training_route from trainees where id = :id;
commit;
