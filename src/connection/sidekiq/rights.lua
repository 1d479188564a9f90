-- What the account may do: Redis judges each command of a script by the caller's rights, and takes nothing back of what the script did
-- before. So they are asked before the first write. A Redis before 7 cannot be asked: there nothing is known to be lacking.
local arguments = {
  EVAL = { '' }, GET = {}, TYPE = {}, TIME = {}, ZSCORE = { 'x' }, LPOS = { 'x' },
  SET = { 'x', 'EX', '1' }, ZREM = { 'x' }, ZADD = { '1', 'x' }, LREM = { '1', 'x' }, LPUSH = { 'x' }, RPUSH = { 'x' }, SADD = { 'x' },
}
local function may(name, key)
  if not redis.acl_check_cmd then return true end
  local ok, allowed
  if name == 'TIME' then ok, allowed = pcall(redis.acl_check_cmd, name)
  elseif name == 'EVAL' then ok, allowed = pcall(redis.acl_check_cmd, name, '', '1', key)
  else ok, allowed = pcall(redis.acl_check_cmd, name, key, unpack(arguments[name])) end
  -- A command that Redis does not know, because it was renamed, is an error.
  return ok and allowed
end
