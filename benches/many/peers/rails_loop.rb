# The work W(N) as it is typed into a Rails console: ActiveRecord, one record after the other. `rails_loop.rb URL`
require 'active_record'

ActiveRecord::Base.establish_connection(ARGV[0].sub('postgres://', 'postgresql://'))

class Trainee < ActiveRecord::Base; end
class Audit < ActiveRecord::Base; end
class Record < ActiveRecord::Base; end

Trainee.where(state: 3, training_route: 1).find_each do |trainee|
  next unless trainee.reload.state == 3

  Trainee.transaction do
    trainee.lock!
    trainee.update!(training_route: 2, dqt_synced_at: Time.current)
    Audit.connection.exec_insert(
      'insert into audits (record_type, record_id, action, changes, comment, created_at) values ($1, $2, $3, $4, $5, now())', 'SQL',
      ['Trainee', trainee.id, 'update', '{"training_route":[1,2]}', 'bench']
    )
  end
  Record.create!(item: trainee.id, outcome: trainee.reload.training_route == 2 ? 'changed' : 'failed')
end
