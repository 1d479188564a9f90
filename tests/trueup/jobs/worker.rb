# A worker for tests: ActiveJob itself where it is installed, else the wrapper that does what ActiveJob's does.
require "json"
require "sidekiq"
LOG = ENV.fetch("JOBS_LOG")
Sidekiq.configure_server { |config| config.redis = { url: ENV.fetch("REDIS_URL") }; config.average_scheduled_poll_interval = 1 rescue nil }
begin
  require "active_job"
  require "active_job/queue_adapters/sidekiq_adapter"
  ActiveJob::Base.queue_adapter = :sidekiq
  ActiveJob::Base.logger = Logger.new(nil)
  require "global_id"
  GlobalID.app = "register"
  class Record
    include GlobalID::Identification
    attr_reader :id
    def initialize(id) = @id = id
    def self.find(id) = new(id)
    def inspect = "#{self.class.name}(#{id})"
  end
  class Trainee < Record; end
  class User < Record; end
  module Dqt
    class UpdateTraineeJob < ActiveJob::Base
      def perform(*args, **keywords)
        line = JSON.generate({ job: self.class.name, jid: provider_job_id, args: args.map(&:inspect), keywords: keywords.map { |k, v| [k, v.inspect] } })
        File.open(LOG, "a") { |f| f.flock(File::LOCK_EX); f.write(line + "\n") }
        raise "told to fail" if args.first == "fail"
      end
    end
  end
rescue LoadError
  module ActiveJob; module QueueAdapters; class SidekiqAdapter; class JobWrapper
    include Sidekiq::Worker
    def perform(job)
      line = JSON.generate({ job: job["job_class"], jid: jid, args: job["arguments"] })
      File.open(LOG, "a") { |f| f.flock(File::LOCK_EX); f.write(line + "\n") }
      raise "told to fail" if job["arguments"].first == "fail"
    end
  end; end; end; end
end
