-- Opens a board: keeps the epoch that stands there, or wipes the board and begins a new one.
-- A new epoch begins where there is none (a new or flushed server), where the board was made of something else
-- (another reading, another schema), where a key holds something that is not ours, and where the caller knows that the
-- board holds what Kafka does not.
--
-- KEYS  state, versions, meta, log, alerts, marks, recent
-- ARGV  epoch to begin, what the board is made of, '1' to begin it in any case
-- Reply field, value, … of the board's meta
local meta = KEYS[3]
local kinds = { 'hash', 'hash', 'hash', 'stream', 'hash', 'hash', 'zset' }
local foreign = false
for n, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  foreign = foreign or (kind ~= 'none' and kind ~= kinds[n])
end
local epoch = not foreign and redis.call('HGET', meta, 'epoch')
if ARGV[3] == '1' or not epoch or redis.call('HGET', meta, 'made_of') ~= ARGV[2] then
  redis.call('DEL', unpack(KEYS))
  redis.call('HSET', meta, 'epoch', ARGV[1], 'made_of', ARGV[2], 'ver', '0', 'complete', '0')
end
return redis.call('HGETALL', meta)
