-- The one script that changes jobs. Everything in it happens together or not at all, and once. Whatever is refused is told, never
-- raised: an error that comes out of it nonetheless may have come after a write.
--
-- KEYS[1]  marker of the effect         ARGV[1]  what the marker says (the fingerprint of the request)
-- KEYS[2]  guard against an equal job   ARGV[2]  seconds that the marker is kept
-- KEYS[3]  the id beside the marks      ARGV[3]  our jid, for the guard; "" without one
-- KEYS[4…] one key for each change      ARGV[4]  the jid in the guard that is known to be over; "" without one
--                                       ARGV[5]  what the id must be; "" for any
--                                       ARGV[6…] three for each change: verb, text, score
local refusal
local written = false
local function refused(name, key, text)
  for _, words in ipairs({ "can't run this command", "can't access at least one", 'ACL failure', 'NOPERM', 'Unknown Redis command' }) do
    if string.find(text, words, 1, true) then return { 'denied', name, key } end
  end
  return redis.error_reply(text)
end
-- As `redis.call`, for what must not fail; what refused it stands in `refusal`.
local function call(name, ...)
  local reply = redis.pcall(name, ...)
  if type(reply) == 'table' and reply['err'] then
    local key = ...
    refusal = refused(name, key or '', reply['err'])
    error('refused')
  end
  return reply
end
local function allowed(name, key)
  if may(name, key) then return end
  refusal = { 'denied', name, key }
  error('refused')
end
local names = { zrem = 'ZREM', zadd = 'ZADD', lrem = 'LREM', lpush = 'LPUSH', rpush = 'RPUSH', sadd = 'SADD' }
local marked = false
-- The first key of a change.
local FIRST = 4

local function change()
  local before = call('GET', KEYS[1])
  if before and before ~= 'void' then
    if string.sub(before, 1, #ARGV[1]) == ARGV[1] then return { 'before', before } end
    if string.sub(before, 1, 6) == 'begun ' then return { 'half', 'an earlier attempt' } end
    return { 'other', before }
  end
  -- Marks are made only where one that is missing later proves something.
  if ARGV[5] ~= '' and call('GET', KEYS[3]) ~= ARGV[5] then return { 'elsewhere', '' } end
  local now = call('TIME')
  local at = now[1] .. '.' .. string.format('%06d', tonumber(now[2]))
  if ARGV[3] ~= '' then
    local rival = call('GET', KEYS[2])
    if rival and rival ~= ARGV[3] and rival ~= ARGV[4] then return { 'rival', rival } end
  end
  -- First what must be there, so that nothing is changed when something is not.
  local kinds = { zrem = 'zset', zadd = 'zset', lrem = 'list', lpush = 'list', rpush = 'list', sadd = 'set' }
  for i = FIRST, #KEYS do
    local kind = call('TYPE', KEYS[i])['ok']
    if kind ~= 'none' and kind ~= kinds[ARGV[6 + (i - FIRST) * 3]] then return redis.error_reply('WRONGTYPE ' .. KEYS[i]) end
  end
  for i = FIRST, #KEYS do
    local base = 6 + (i - FIRST) * 3
    local verb, text = ARGV[base], ARGV[base + 1]
    if verb == 'zrem' then
      if not call('ZSCORE', KEYS[i], text) then return { 'gone', tostring(i - FIRST) } end
    elseif verb == 'lrem' then
      if call('LPOS', KEYS[i], text) == false then return { 'gone', tostring(i - FIRST) } end
    end
  end
  -- Then whether each of its writes is allowed.
  allowed('SET', KEYS[1])
  if ARGV[3] ~= '' then allowed('SET', KEYS[2]) end
  for i = FIRST, #KEYS do allowed(names[ARGV[6 + (i - FIRST) * 3]], KEYS[i]) end
  -- The mark comes first: should a write be refused after another one was done, it says that this was begun.
  call('SET', KEYS[1], 'begun ' .. ARGV[1] .. ' ' .. at, 'EX', ARGV[2])
  marked = true
  -- Of a Redis that cannot be asked for rights: the mark is a text, so none of these does anything to it, but a right that is
  -- missing shows before anything else does.
  local tried = {}
  for i = FIRST, #KEYS do
    local name = names[ARGV[6 + (i - FIRST) * 3]]
    if not tried[name] then
      tried[name] = true
      local reply = redis.pcall(name, KEYS[1], unpack(arguments[name]))
      local text = type(reply) == 'table' and reply['err'] or ''
      if string.sub(text, 1, 9) ~= 'WRONGTYPE' then
        refusal = refused(name, KEYS[i], text)
        error('refused')
      end
    end
  end
  if ARGV[3] ~= '' then call('SET', KEYS[2], ARGV[3], 'EX', 60) end
  for i = FIRST, #KEYS do
    local base = 6 + (i - FIRST) * 3
    local verb, text, score = ARGV[base], ARGV[base + 1], ARGV[base + 2]
    if verb == 'zrem' then call('ZREM', KEYS[i], text)
    elseif verb == 'lrem' then call('LREM', KEYS[i], 1, text)
    elseif verb == 'lpush' then call('LPUSH', KEYS[i], text)
    elseif verb == 'rpush' then call('RPUSH', KEYS[i], text)
    elseif verb == 'zadd' then call('ZADD', KEYS[i], score, text)
    elseif verb == 'sadd' then call('SADD', KEYS[i], text)
    end
    written = true
  end
  call('SET', KEYS[1], ARGV[1] .. ' ' .. at, 'EX', ARGV[2])
  return { 'done', at }
end

local ok, told = pcall(change)
if ok then return told end
local why = refusal and (refusal['err'] or refusal[2]) or tostring(told)
-- A text that stands for nothing, gone in a moment: so no other command is needed.
local function taken_back()
  local reply = redis.pcall('SET', KEYS[1], 'void', 'PX', 1)
  return not (type(reply) == 'table' and reply['err'])
end
if written or marked and not taken_back() then return { 'half', why } end
return refusal or redis.error_reply('ERR ' .. why)
