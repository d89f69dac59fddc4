-- Takes one coalesced batch into a board: atomic, and harmless however often it is repeated.
-- The newer version wins; versions are fixed-width strings and are compared as strings (Lua's numbers are doubles).
--
-- KEYS  state, versions, meta, log, alerts, marks, recent          (one hash tag, so one slot of a cluster)
-- ARGV  epoch, least board version, entries kept in the log, bytes of rows an entry may hold, transitions kept,
--       then four lists, each led by its length:
--       rows      (key, version, row or '' for gone)
--       swept     (key, version): rows that Kafka does not hold any more, if they still are at that version
--       alerts    (fingerprint, mark, time in ms, transition)
--       positions (field, number): never go back
--       fields    (field, value)
-- Reply {'ok', version, changed rows, changed alerts} | {'epoch', epoch or ''} | {'rewound', version}
local state, versions, meta, log, alerts, marks, recent = unpack(KEYS)
local at = 5
local function following()
  at = at + 1
  return ARGV[at]
end

local epoch = redis.call('HGET', meta, 'epoch')
if epoch ~= ARGV[1] then return { 'epoch', epoch or '' } end
local ver = tonumber(redis.call('HGET', meta, 'ver') or '0')
if ver < tonumber(ARGV[2]) then return { 'rewound', ver } end

local entry, bytes, changed_rows, changed_alerts = {}, 0, 0, 0
local function note(name, value)
  entry[#entry + 1] = name
  entry[#entry + 1] = value
  bytes = bytes + #name + #value
end

for _ = 1, tonumber(following()) do
  local key, version, row = following(), following(), following()
  local known = redis.call('HGET', versions, key)
  if not known or known < version then
    redis.call('HSET', versions, key, version)
    if row ~= '' then
      redis.call('HSET', state, key, row)
      changed_rows = changed_rows + 1
      note('r:' .. key, version .. '\n' .. row)
    elseif redis.call('HDEL', state, key) == 1 then
      changed_rows = changed_rows + 1
      note('g:' .. key, version)
    end
  end
end

for _ = 1, tonumber(following()) do
  local key, version = following(), following()
  if redis.call('HGET', versions, key) == version and redis.call('HDEL', state, key) == 1 then
    changed_rows = changed_rows + 1
    note('g:' .. key, version)
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
    note('a:' .. fingerprint, transition)
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
  -- A large entry would be kept 4 096 times over, and `unpack` has a limit: readers load the whole state instead.
  if bytes > tonumber(ARGV[4]) or #entry > 4000 then entry = { 'reload', '1' } end
  redis.call('XADD', log, 'MAXLEN', '~', ARGV[3], '*', 'epoch', epoch, 'ver', ver, unpack(entry))
end
return { 'ok', ver, changed_rows, changed_alerts }
