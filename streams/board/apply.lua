-- Takes one coalesced batch into a board: atomic, and harmless however often it is repeated.
-- The newer version wins. Versions are fixed-width strings of digits and points: compared as strings (Lua's numbers are
-- doubles), and alike in every locale (Lua compares by the server's collation).
--
-- KEYS  state, versions, meta, log, alerts, marks, recent          (one hash tag, so one slot of a cluster)
-- ARGV  epoch, least board version, entries kept in the log, bytes of rows an entry may hold, transitions kept,
--       then five lists, each led by its length:
--       rows      (key, version, row or '' for gone)
--       swept     (key, version): rows that Kafka does not hold any more, if they still are at that version
--       alerts    (fingerprint, mark, time in ms, transition)
--       positions (field, number): never go back
--       fields    (field, value)
-- Reply {'ok', version, changed rows, changed alerts} | {'epoch', epoch or ''} | {'rewound', version} | {'foreign', key}
local state, versions, meta, log, alerts, marks, recent = unpack(KEYS)
local at = 5
local function following()
  at = at + 1
  return ARGV[at]
end

-- A script is not undone where it fails half way: what somebody else has put under our keys is looked for first.
local kinds = { 'hash', 'hash', 'hash', 'stream', 'hash', 'hash', 'zset' }
for n, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= kinds[n] then return { 'foreign', key } end
end

local epoch = redis.call('HGET', meta, 'epoch')
if epoch ~= ARGV[1] then return { 'epoch', epoch or '' } end
local ver = tonumber(redis.call('HGET', meta, 'ver') or '0')
if ver < tonumber(ARGV[2]) then return { 'rewound', ver } end

-- What the log's entry says of each row and alert: only the last word on it, for a batch may hold a row twice.
local said, order, changed_rows, changed_alerts = {}, {}, 0, 0
local function note(what, name, value)
  if not said[what] then order[#order + 1] = what end
  said[what] = { name, value }
end

for _ = 1, tonumber(following()) do
  local key, version, row = following(), following(), following()
  local known = redis.call('HGET', versions, key)
  if not known or known < version then
    redis.call('HSET', versions, key, version)
    if row ~= '' then
      redis.call('HSET', state, key, row)
      changed_rows = changed_rows + 1
      note(key, 'r:' .. key, version .. '\n' .. row)
    elseif redis.call('HDEL', state, key) == 1 then
      changed_rows = changed_rows + 1
      note(key, 'g:' .. key, version)
    end
  end
end

for _ = 1, tonumber(following()) do
  local key, version = following(), following()
  if redis.call('HGET', versions, key) == version and redis.call('HDEL', state, key) == 1 then
    changed_rows = changed_rows + 1
    note(key, 'g:' .. key, version)
  end
end

for _ = 1, tonumber(following()) do
  local fingerprint, mark, ms, transition = following(), following(), following(), following()
  local known = redis.call('HGET', marks, fingerprint)
  -- Marks of two partitions have no order: a fingerprint has one partition for life, so the record just read is newer.
  if not known or known < mark or known:match('^%d+') ~= mark:match('^%d+') then
    redis.call('HSET', marks, fingerprint, mark)
    redis.call('HSET', alerts, fingerprint, transition)
    redis.call('ZADD', recent, ms, transition)
    changed_alerts = changed_alerts + 1
    note('a:' .. fingerprint, 'a:' .. fingerprint, transition)
  end
end
redis.call('ZREMRANGEBYRANK', recent, 0, -1 - tonumber(ARGV[5]))

for _ = 1, tonumber(following()) do
  local field, position = following(), following()
  local known = redis.call('HGET', meta, field)
  if not known or tonumber(known) < tonumber(position) then redis.call('HSET', meta, field, position) end
end
for _ = 1, tonumber(following()) do
  redis.call('HSET', meta, following(), following())
end

if changed_rows + changed_alerts > 0 then
  ver = redis.call('HINCRBY', meta, 'ver', 1)
  local entry, bytes = {}, 0
  for _, what in ipairs(order) do
    local name, value = said[what][1], said[what][2]
    entry[#entry + 1] = name
    entry[#entry + 1] = value
    bytes = bytes + #name + #value
  end
  -- A large entry would be kept 4 096 times over, and `unpack` has a limit: readers load the whole state instead.
  if bytes > tonumber(ARGV[4]) or #entry > 4000 then entry = { 'reload', '1' } end
  redis.call('XADD', log, 'MAXLEN', '~', ARGV[3], '*', 'epoch', epoch, 'ver', ver, unpack(entry))
end
return { 'ok', ver, changed_rows, changed_alerts }
