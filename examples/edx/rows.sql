-- Invented learners of an invented site, in every state in which a retirement can be found. Days count from the day on which the
-- sandbox is built, so that cool-offs and ages stay what they are meant to show.
-- `Ada.Lind` asked after the salts were changed: with the same salt both would get the same retired name, and the second one would fail.
-- The states of this site, as populate_retirement_states writes them: 1, 11, 21, …
insert into user_api_retirementstate (id, state_name, state_execution_order, is_dead_end_state, required) values
 (1, 'PENDING', 1, 0, 1),
 (2, 'RETIRING_FORUMS', 11, 0, 0),
 (3, 'FORUMS_COMPLETE', 21, 0, 0),
 (4, 'RETIRING_ENROLLMENTS', 31, 0, 0),
 (5, 'ENROLLMENTS_COMPLETE', 41, 0, 0),
 (6, 'RETIRING_NOTES', 51, 0, 0),
 (7, 'NOTES_COMPLETE', 61, 0, 0),
 (8, 'RETIRING_LMS_MISC', 71, 0, 0),
 (9, 'LMS_MISC_COMPLETE', 81, 0, 0),
 (10, 'RETIRING_LMS', 91, 0, 0),
 (11, 'LMS_COMPLETE', 101, 0, 0),
 (12, 'ERRORED', 111, 1, 1),
 (13, 'ABORTED', 121, 1, 1),
 (14, 'COMPLETE', 131, 1, 1);
insert into auth_user (id, username, email, password, first_name, last_name, is_active, is_staff, is_superuser, date_joined) values
 (101, 'ada.lind', 'retired__user_7be31ac0ce641137ac6948ce517aa0ca49fed100@retired.invalid', '!unusable101', 'Ada', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (102, 'bo.berg', 'retired__user_efcd31702f6b4266555611a0a9d0dca7be275af9@retired.invalid', '!unusable102', 'Bo', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (103, 'Ada.Lind', 'retired__user_307dc9e9681e1ddfa576775f447502f94b2081c6@retired.invalid', '!unusable103', 'Ada', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (104, 'cleo.holm', 'retired__user_6504f7ae9d9a7a8655602513f439b74521cca9e5@retired.invalid', '!unusable104', 'Cleo', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (105, 'flaky.finn', 'retired__user_5efa64ebd9216c93d4f162fb7004c035ae901b69@retired.invalid', '!unusable105', 'Flaky', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (106, 'gateway.greta', 'retired__user_e9cf7ec8867d641392227cf469d882d5c3be4751@retired.invalid', '!unusable106', 'Gateway', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (107, 'lost.lars', 'retired__user_dd15f5fe3c0befab4ab2bcf574a8576678fa4f11@retired.invalid', '!unusable107', 'Lost', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (108, 'expired.elsa', 'retired__user_5bcc9771de8ae05ed2176648ba48d10a104f1f14@retired.invalid', '!unusable108', 'Expired', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (109, 'broken.britt', 'retired__user_94d2c5980dc79c887bebe074bb2210399bc9bacf@retired.invalid', '!unusable109', 'Broken', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (110, 'stranger.sten', 'retired__user_bbd440c3c48295372668845f55aa61a76adf25ba@retired.invalid', '!unusable110', 'Stranger', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (111, 'dina.ek', 'retired__user_c665b6bdbdb9c22ff7bec6516fea7c1c76669acc@retired.invalid', '!unusable111', 'Dina', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (112, 'egil.dahl', 'retired__user_f33d1c76d6bb04158e09207b8c95148e72ac9c8f@retired.invalid', '!unusable112', 'Egil', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (113, 'frida.lund', 'retired__user_c188a2f739a33069940a24293a667dc6411777b9@retired.invalid', '!unusable113', 'Frida', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (114, 'gunnar.ost', 'retired__user_ad07c6562402b2dd66dcc179f905c4ab70467ba6@retired.invalid', '!unusable114', 'Gunnar', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (115, 'hilda.ro', 'retired__user_9a1c29fe037cb2cdae343587dbdc352c19dad427@retired.invalid', '!unusable115', 'Hilda', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (116, 'ivar.stad', 'retired__user_1329da7fb892242f350b2c56ea58af971e778acd@retired.invalid', '!unusable116', 'Ivar', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (117, 'jon.vik', 'retired__user_fef46fdd2a3051752bc413867865186830999335@retired.invalid', '!unusable117', 'Jon', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (118, 'kari.moe', 'retired__user_cf789566cd5a67d3dfd6217ae1414e4ed7ccd0ca@retired.invalid', '!unusable118', 'Kari', '', 1, 0, 0, '2023-01-15 09:00:00.000000'),
 (119, 'retired__user_74fa57b16a61960bcd6ec81fe5df32539166044a', 'retired__user_3f56713ffd5b3470979200965309b62279d400f8@retired.invalid', '!unusable119', '', '', 0, 0, 0, '2023-01-15 09:00:00.000000'),
 (120, 'retired__user_3a833e69d9a5ef0d4a9b4b048decd68648b1c0d5', 'retired__user_dce38f6f6dacbefa34a85b5692145f5da02c322e@retired.invalid', '!unusable120', '', '', 0, 0, 0, '2023-01-15 09:00:00.000000'),
 (121, 'retired__user_69b9266c9e5bc0b1aa446930d4191a441d1f3255', 'retired__user_525b41e5eb9c4e10e4c808dd109df2eab4cfe191@retired.invalid', '!unusable121', '', '', 0, 0, 0, '2023-01-15 09:00:00.000000'),
 (122, 'retired__user_dc1b593fd48ae634e4c35bbb97b06b80211ccc88', 'retired__user_6f1e247850eec7e82f2bc4ed05afea0e857522cd@retired.invalid', '!unusable122', '', '', 0, 0, 0, '2023-01-15 09:00:00.000000'),
 (123, 'retired__user_b8f58b2cbf66807ad45c6e1ccd21cf89a5a5505a', 'retired__user_4ac55f3ed6211cd3cceab5c4ac80d3d173e62757@retired.invalid', '!unusable123', '', '', 0, 0, 0, '2023-01-15 09:00:00.000000'),
 (190, 'vera.alm', 'vera.alm@learner.example', 'pbkdf2_sha256$600000$abc$def', 'Vera', 'Alm', 1, 0, 0, '2023-01-15 09:00:00.000000');
insert into auth_userprofile (id, user_id, name, meta) values
 (101, 101, 'Ada Lind', ''),
 (102, 102, 'Bo Berg', ''),
 (103, 103, 'Ada Lind', ''),
 (104, 104, 'Cleo Holm', ''),
 (105, 105, 'Flaky Finn', ''),
 (106, 106, 'Gateway Greta', ''),
 (107, 107, 'Lost Lars', ''),
 (108, 108, 'Expired Elsa', ''),
 (109, 109, 'Broken Britt', ''),
 (110, 110, 'Stranger Sten', ''),
 (111, 111, 'Dina Ek', ''),
 (112, 112, 'Egil Dahl', ''),
 (113, 113, 'Frida Lund', ''),
 (114, 114, 'Gunnar Ost', ''),
 (115, 115, 'Hilda Ro', ''),
 (116, 116, 'Ivar Stad', ''),
 (117, 117, 'Jon Vik', ''),
 (118, 118, 'Kari Moe', ''),
 (119, 119, '', ''),
 (120, 120, '', ''),
 (121, 121, '', ''),
 (122, 122, '', ''),
 (123, 123, '', ''),
 (190, 190, 'Vera Alm', '');
insert into user_api_userretirementrequest (id, created, modified, user_id) values
 (101, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-12 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-12 days'), 101),
 (102, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-9 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-9 days'), 102),
 (103, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-8 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-8 days'), 103),
 (104, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-2 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-2 days'), 104),
 (105, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), 105),
 (106, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), 106),
 (107, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), 107),
 (108, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), 108),
 (109, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), 109),
 (110, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), 110),
 (111, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-20 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-20 days'), 111),
 (112, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-30 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-30 days'), 112),
 (113, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-28 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-28 days'), 113),
 (114, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-27 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-27 days'), 114),
 (115, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-40 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-40 days'), 115),
 (116, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-21 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-21 days'), 116),
 (117, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-22 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-22 days'), 117),
 (118, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-60 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-60 days'), 118),
 (119, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-90 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-90 days'), 119),
 (120, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-50 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-50 days'), 120),
 (121, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-41 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-41 days'), 121),
 (122, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-20 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-20 days'), 122),
 (123, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-70 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-70 days'), 123);
insert into user_api_userretirementstatus (id, created, modified, original_username, original_email, original_name, retired_username, retired_email, current_state_id, last_state_id, user_id, responses) values
 (1001, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-12 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), 'ada.lind', 'ada.lind@learner.example', 'Ada Lind', 'retired__user_39f33cc273da499f5183581278af4c4940d2acec', 'retired__user_7be31ac0ce641137ac6948ce517aa0ca49fed100@retired.invalid', 1, 1, 101,
  'Created in state PENDING (step 1) by create_retirement'),
 (1002, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-9 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-8 days'), 'bo.berg', 'bo.berg@learner.example', 'Bo Berg', 'retired__user_9b6d7d14547fd37f3c9795728c2274c87f812023', 'retired__user_efcd31702f6b4266555611a0a9d0dca7be275af9@retired.invalid', 1, 1, 102,
  'Created in state PENDING (step 1) by create_retirement'),
 (1003, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-8 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-7 days'), 'Ada.Lind', 'other.ada@learner.example', 'Ada Lind', 'retired__user_977f3b0057de222acc96e65732ce3f1d8821b4db', 'retired__user_307dc9e9681e1ddfa576775f447502f94b2081c6@retired.invalid', 1, 1, 103,
  'Created in state PENDING (step 1) by create_retirement'),
 (1004, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-2 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 days'), 'cleo.holm', 'cleo.holm@learner.example', 'Cleo Holm', 'retired__user_eaaa2697077c018cd0c1f3bd3503b297bc988064', 'retired__user_6504f7ae9d9a7a8655602513f439b74521cca9e5@retired.invalid', 1, 1, 104,
  'Created in state PENDING (step 1) by create_retirement'),
 (1005, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-10 days'), 'flaky.finn', 'flaky.finn@learner.example', 'Flaky Finn', 'retired__user_83e8b2db40a82c5072b4da3ed084197eedca8cb8', 'retired__user_5efa64ebd9216c93d4f162fb7004c035ae901b69@retired.invalid', 1, 1, 105,
  'Created in state PENDING (step 1) by create_retirement'),
 (1006, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-10 days'), 'gateway.greta', 'gateway.greta@learner.example', 'Gateway Greta', 'retired__user_5bc40eb51ad7e6aaacaa19e4273599005ded823b', 'retired__user_e9cf7ec8867d641392227cf469d882d5c3be4751@retired.invalid', 1, 1, 106,
  'Created in state PENDING (step 1) by create_retirement'),
 (1007, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-10 days'), 'lost.lars', 'lost.lars@learner.example', 'Lost Lars', 'retired__user_e26a15431482d02b0e5a8d543fb66913a6b75229', 'retired__user_dd15f5fe3c0befab4ab2bcf574a8576678fa4f11@retired.invalid', 1, 1, 107,
  'Created in state PENDING (step 1) by create_retirement'),
 (1008, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-10 days'), 'expired.elsa', 'expired.elsa@learner.example', 'Expired Elsa', 'retired__user_5dcf49aae17b627d2e939dff7dfcdcd73bcd22ed', 'retired__user_5bcc9771de8ae05ed2176648ba48d10a104f1f14@retired.invalid', 1, 1, 108,
  'Created in state PENDING (step 1) by create_retirement'),
 (1009, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-10 days'), 'broken.britt', 'broken.britt@learner.example', 'Broken Britt', 'retired__user_7057cbdc147e33223670de410710b4c4c669c7c7', 'retired__user_94d2c5980dc79c887bebe074bb2210399bc9bacf@retired.invalid', 1, 1, 109,
  'Created in state PENDING (step 1) by create_retirement'),
 (1010, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-11 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-10 days'), 'stranger.sten', 'stranger.sten@learner.example', 'Stranger Sten', 'retired__user_743d72e288f61ff1276a155f0a610474e4f638fb', 'retired__user_bbd440c3c48295372668845f55aa61a76adf25ba@retired.invalid', 1, 1, 110,
  'Created in state PENDING (step 1) by create_retirement'),
 (1011, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-20 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-19 days'), 'dina.ek', 'dina.ek@learner.example', 'Dina Ek', 'retired__user_fb0e44385107122674cdff3a68f921f3462cb53f', 'retired__user_c665b6bdbdb9c22ff7bec6516fea7c1c76669acc@retired.invalid', 3, 2, 111,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>
'),
 (1012, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-30 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-29 days'), 'egil.dahl', 'egil.dahl@learner.example', 'Egil Dahl', 'retired__user_dfd4e67b2bd45599c1dafabe18051aadeb506b62', 'retired__user_f33d1c76d6bb04158e09207b8c95148e72ac9c8f@retired.invalid', 12, 6, 112,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_NOTES (step 51):
Starting: RETIRING_NOTES

 Moved from RETIRING_NOTES (step 51) to ERRORED (step 111):
500 Server Error: Internal Server Error for url: https://lms.example.org/api/edxnotes/v1/retire_user/
'),
 (1013, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-28 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-27 days'), 'frida.lund', 'frida.lund@learner.example', 'Frida Lund', 'retired__user_a84c9bf0aa9b35e7cca8ad42ae30ff37ac9b93ab', 'retired__user_c188a2f739a33069940a24293a667dc6411777b9@retired.invalid', 12, 2, 113,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to ERRORED (step 111):
500 Server Error: Internal Server Error for url: https://lms.example.org/api/discussion/v1/accounts/retire_forum/
'),
 (1014, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-27 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-26 days'), 'gunnar.ost', 'gunnar.ost@learner.example', 'Gunnar Ost', 'retired__user_2db88136ecd6f947b5289fe8764b5d6a189f90b7', 'retired__user_ad07c6562402b2dd66dcc179f905c4ab70467ba6@retired.invalid', 12, 5, 114,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to ERRORED (step 111):
400 Client Error: Bad Request for url: https://lms.example.org/api/user/v1/accounts/update_retirement_status/
'),
 (1015, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-40 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-39 days'), 'hilda.ro', 'hilda.ro@learner.example', 'Hilda Ro', 'retired__user_206bc60bcdb72c0038ca33c3c9753b25b164e4fe', 'retired__user_9a1c29fe037cb2cdae343587dbdc352c19dad427@retired.invalid', 12, 12, 115,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_NOTES (step 51):
Starting: RETIRING_NOTES

 Moved from RETIRING_NOTES (step 51) to NOTES_COMPLETE (step 61):
Ending: NOTES_COMPLETE with response:
<Response [204]>

 Moved from NOTES_COMPLETE (step 61) to RETIRING_LMS_MISC (step 71):
Starting: RETIRING_LMS_MISC

 Moved from RETIRING_LMS_MISC (step 71) to ERRORED (step 111):
500 Server Error: Internal Server Error for url: https://lms.example.org/api/user/v1/accounts/retire_misc/

 Moved from ERRORED (step 111) to RETIRING_LMS_MISC (step 71):
Force updated via retirement_bulk_status_update script

 Moved from RETIRING_LMS_MISC (step 71) to ERRORED (step 111):
Force updated via retirement_bulk_status_update script

 Moved from ERRORED (step 111) to ERRORED (step 111):
Force updated via retirement_bulk_status_update script
'),
 (1016, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-21 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-2 days'), 'ivar.stad', 'ivar.stad@learner.example', 'Ivar Stad', 'retired__user_8e9768e01230595635714dfeff267625e6981abf', 'retired__user_1329da7fb892242f350b2c56ea58af971e778acd@retired.invalid', 4, 3, 116,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS
'),
 (1017, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-22 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-0 days'), 'jon.vik', 'jon.vik@learner.example', 'Jon Vik', 'retired__user_d46f25277ee693e6763d17ffb387a3d9e6a9b221', 'retired__user_fef46fdd2a3051752bc413867865186830999335@retired.invalid', 10, 9, 117,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_NOTES (step 51):
Starting: RETIRING_NOTES

 Moved from RETIRING_NOTES (step 51) to NOTES_COMPLETE (step 61):
Ending: NOTES_COMPLETE with response:
<Response [204]>

 Moved from NOTES_COMPLETE (step 61) to RETIRING_LMS_MISC (step 71):
Starting: RETIRING_LMS_MISC

 Moved from RETIRING_LMS_MISC (step 71) to LMS_MISC_COMPLETE (step 81):
Ending: LMS_MISC_COMPLETE with response:
<Response [204]>

 Moved from LMS_MISC_COMPLETE (step 81) to RETIRING_LMS (step 91):
Starting: RETIRING_LMS
'),
 (1018, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-60 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-59 days'), 'kari.moe', 'kari.moe@learner.example', 'Kari Moe', 'retired__user_fa12d6e3009d67bf1569685ccdb7fa731eb03115', 'retired__user_cf789566cd5a67d3dfd6217ae1414e4ed7ccd0ca@retired.invalid', 13, 1, 118,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to ABORTED (step 121):
By hand: the account is evidence in ticket 4711
'),
 (1019, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-90 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-89 days'), 'liv.aas', 'liv.aas@learner.example', 'Liv Aas', 'retired__user_74fa57b16a61960bcd6ec81fe5df32539166044a', 'retired__user_3f56713ffd5b3470979200965309b62279d400f8@retired.invalid', 14, 11, 119,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_NOTES (step 51):
Starting: RETIRING_NOTES

 Moved from RETIRING_NOTES (step 51) to NOTES_COMPLETE (step 61):
Ending: NOTES_COMPLETE with response:
<Response [204]>

 Moved from NOTES_COMPLETE (step 61) to RETIRING_LMS_MISC (step 71):
Starting: RETIRING_LMS_MISC

 Moved from RETIRING_LMS_MISC (step 71) to LMS_MISC_COMPLETE (step 81):
Ending: LMS_MISC_COMPLETE with response:
<Response [204]>

 Moved from LMS_MISC_COMPLETE (step 81) to RETIRING_LMS (step 91):
Starting: RETIRING_LMS

 Moved from RETIRING_LMS (step 91) to LMS_COMPLETE (step 101):
Ending: LMS_COMPLETE with response:
<Response [204]>

 Moved from LMS_COMPLETE (step 101) to COMPLETE (step 131):
Learner retirement complete.
'),
 (1020, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-50 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-49 days'), 'mona.bru', 'mona.bru@learner.example', 'Mona Bru', 'retired__user_3a833e69d9a5ef0d4a9b4b048decd68648b1c0d5', 'retired__user_dce38f6f6dacbefa34a85b5692145f5da02c322e@retired.invalid', 14, 11, 120,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_NOTES (step 51):
Starting: RETIRING_NOTES

 Moved from RETIRING_NOTES (step 51) to NOTES_COMPLETE (step 61):
Ending: NOTES_COMPLETE with response:
<Response [204]>

 Moved from NOTES_COMPLETE (step 61) to RETIRING_LMS_MISC (step 71):
Starting: RETIRING_LMS_MISC

 Moved from RETIRING_LMS_MISC (step 71) to LMS_MISC_COMPLETE (step 81):
Ending: LMS_MISC_COMPLETE with response:
<Response [204]>

 Moved from LMS_MISC_COMPLETE (step 81) to RETIRING_LMS (step 91):
Starting: RETIRING_LMS

 Moved from RETIRING_LMS (step 91) to LMS_COMPLETE (step 101):
Ending: LMS_COMPLETE with response:
<Response [204]>

 Moved from LMS_COMPLETE (step 101) to COMPLETE (step 131):
Learner retirement complete.
'),
 (1021, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-41 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-40 days'), 'nils.dal', 'nils.dal@learner.example', 'Nils Dal', 'retired__user_69b9266c9e5bc0b1aa446930d4191a441d1f3255', 'retired__user_525b41e5eb9c4e10e4c808dd109df2eab4cfe191@retired.invalid', 14, 11, 121,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_NOTES (step 51):
Starting: RETIRING_NOTES

 Moved from RETIRING_NOTES (step 51) to NOTES_COMPLETE (step 61):
Ending: NOTES_COMPLETE with response:
<Response [204]>

 Moved from NOTES_COMPLETE (step 61) to RETIRING_LMS_MISC (step 71):
Starting: RETIRING_LMS_MISC

 Moved from RETIRING_LMS_MISC (step 71) to LMS_MISC_COMPLETE (step 81):
Ending: LMS_MISC_COMPLETE with response:
<Response [204]>

 Moved from LMS_MISC_COMPLETE (step 81) to RETIRING_LMS (step 91):
Starting: RETIRING_LMS

 Moved from RETIRING_LMS (step 91) to LMS_COMPLETE (step 101):
Ending: LMS_COMPLETE with response:
<Response [204]>

 Moved from LMS_COMPLETE (step 101) to COMPLETE (step 131):
Learner retirement complete.
'),
 (1022, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-20 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-19 days'), 'oda.eng', 'oda.eng@learner.example', 'Oda Eng', 'retired__user_dc1b593fd48ae634e4c35bbb97b06b80211ccc88', 'retired__user_6f1e247850eec7e82f2bc4ed05afea0e857522cd@retired.invalid', 14, 11, 122,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_NOTES (step 51):
Starting: RETIRING_NOTES

 Moved from RETIRING_NOTES (step 51) to NOTES_COMPLETE (step 61):
Ending: NOTES_COMPLETE with response:
<Response [204]>

 Moved from NOTES_COMPLETE (step 61) to RETIRING_LMS_MISC (step 71):
Starting: RETIRING_LMS_MISC

 Moved from RETIRING_LMS_MISC (step 71) to LMS_MISC_COMPLETE (step 81):
Ending: LMS_MISC_COMPLETE with response:
<Response [204]>

 Moved from LMS_MISC_COMPLETE (step 81) to RETIRING_LMS (step 91):
Starting: RETIRING_LMS

 Moved from RETIRING_LMS (step 91) to LMS_COMPLETE (step 101):
Ending: LMS_COMPLETE with response:
<Response [204]>

 Moved from LMS_COMPLETE (step 101) to COMPLETE (step 131):
Learner retirement complete.
'),
 (1023, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-70 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-69 days'), 'per.fors', 'per.fors@learner.example', 'Per Fors', 'retired__user_b8f58b2cbf66807ad45c6e1ccd21cf89a5a5505a', 'retired__user_4ac55f3ed6211cd3cceab5c4ac80d3d173e62757@retired.invalid', 14, 11, 123,
  'Created in state PENDING (step 1) by create_retirement
 Moved from PENDING (step 1) to RETIRING_FORUMS (step 11):
Starting: RETIRING_FORUMS

 Moved from RETIRING_FORUMS (step 11) to FORUMS_COMPLETE (step 21):
Ending: FORUMS_COMPLETE with response:
<Response [204]>

 Moved from FORUMS_COMPLETE (step 21) to RETIRING_ENROLLMENTS (step 31):
Starting: RETIRING_ENROLLMENTS

 Moved from RETIRING_ENROLLMENTS (step 31) to ENROLLMENTS_COMPLETE (step 41):
Ending: ENROLLMENTS_COMPLETE with response:
[''edX'']

 Moved from ENROLLMENTS_COMPLETE (step 41) to RETIRING_LMS_MISC (step 71):
Starting: RETIRING_LMS_MISC

 Moved from RETIRING_LMS_MISC (step 71) to LMS_MISC_COMPLETE (step 81):
Ending: LMS_MISC_COMPLETE with response:
<Response [204]>

 Moved from LMS_MISC_COMPLETE (step 81) to RETIRING_LMS (step 91):
Starting: RETIRING_LMS

 Moved from RETIRING_LMS (step 91) to LMS_COMPLETE (step 101):
Ending: LMS_COMPLETE with response:
<Response [204]>

 Moved from LMS_COMPLETE (step 101) to COMPLETE (step 131):
Learner retirement complete.
');
insert into student_courseenrollment (id, user_id, course_id, created, is_active, mode) values
 (1, 101, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (2, 101, 'course-v1:MITx+6.00+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (3, 103, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (4, 104, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (5, 105, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (6, 106, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (7, 107, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (8, 108, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (9, 109, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (10, 111, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (11, 113, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (12, 116, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (13, 118, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 1, 'audit'),
 (14, 120, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 0, 'audit'),
 (15, 121, 'course-v1:MITx+DemoX+2024', '2023-02-01 09:00:00.000000', 0, 'audit'),
 (16, 122, 'course-v1:edX+DemoX+2024', '2023-02-01 09:00:00.000000', 0, 'audit');
insert into user_api_userretirementpartnerreportingstatus (id, created, modified, user_id, original_username, original_email, original_name, is_being_processed) values
 (1, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-48 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-48 days'), 120, 'mona.bru', 'mona.bru@learner.example', 'Mona Bru', 0),
 (2, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-39 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-39 days'), 121, 'nils.dal', 'nils.dal@learner.example', 'Nils Dal', 0),
 (3, strftime('%Y-%m-%d %H:%M:%f000', 'now', '-18 days'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '-18 days'), 122, 'oda.eng', 'oda.eng@learner.example', 'Oda Eng', 0);
