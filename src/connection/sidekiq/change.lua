-- The one script that changes jobs. Everything in it happens together or not at all, and once.
--
-- KEYS[1]  marker of the effect         ARGV[1]  what the marker says (the fingerprint of the request)
-- KEYS[2]  guard against an equal job   ARGV[2]  seconds that the marker is kept
-- KEYS[3…] one key for each change      ARGV[3]  our jid, for the guard; "" without one
--                                       ARGV[4]  the jid in the guard that is known to be over; "" without one
--                                       ARGV[5…] three for each change: verb, text, score
local before = redis.call('GET', KEYS[1])
if before then
  if string.sub(before, 1, #ARGV[1]) == ARGV[1] then return {'before', before} end
  return {'other', before}
end
local now = redis.call('TIME')
local at = now[1] .. '.' .. string.format('%06d', tonumber(now[2]))
if ARGV[3] ~= '' then
  local rival = redis.call('GET', KEYS[2])
  if rival and rival ~= ARGV[3] and rival ~= ARGV[4] then return {'rival', rival} end
end
-- First what must be there, so that nothing is changed when something is not.
local kinds = { zrem = 'zset', zadd = 'zset', lrem = 'list', lpush = 'list', rpush = 'list', sadd = 'set' }
for i = 3, #KEYS do
  local kind = redis.call('TYPE', KEYS[i])['ok']
  if kind ~= 'none' and kind ~= kinds[ARGV[5 + (i - 3) * 3]] then return redis.error_reply('WRONGTYPE ' .. KEYS[i]) end
end
for i = 3, #KEYS do
  local base = 5 + (i - 3) * 3
  local verb, text, score = ARGV[base], ARGV[base + 1], ARGV[base + 2]
  if verb == 'zrem' then
    local found = redis.call('ZSCORE', KEYS[i], text)
    if not found then return {'gone', tostring(i - 3)} end
  elseif verb == 'lrem' then
    if redis.call('LPOS', KEYS[i], text) == false then return {'gone', tostring(i - 3)} end
  end
end
for i = 3, #KEYS do
  local base = 5 + (i - 3) * 3
  local verb, text, score = ARGV[base], ARGV[base + 1], ARGV[base + 2]
  if verb == 'zrem' then redis.call('ZREM', KEYS[i], text)
  elseif verb == 'lrem' then redis.call('LREM', KEYS[i], 1, text)
  elseif verb == 'lpush' then redis.call('LPUSH', KEYS[i], text)
  elseif verb == 'rpush' then redis.call('RPUSH', KEYS[i], text)
  elseif verb == 'zadd' then redis.call('ZADD', KEYS[i], score, text)
  elseif verb == 'sadd' then redis.call('SADD', KEYS[i], text)
  end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. at, 'EX', ARGV[2])
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3], 'EX', 60) end
return {'done', at}
