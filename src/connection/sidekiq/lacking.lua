-- Changes nothing. ARGV: a command and a key, again and again. Gives the numbers of those, from 0, that the account may not run.
local found = {}
for i = 1, #ARGV, 2 do
  if not may(ARGV[i], ARGV[i + 1]) then found[#found + 1] = (i - 1) / 2 end
end
return found
