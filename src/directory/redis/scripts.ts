/**
 * The store's steps as Lua scripts. Redis runs a script as one step: no command of anybody else comes between (redis.io, "Scripting with Lua",
 * atomicity), so each of them reads, decides, writes and publishes at once. Needs Redis 5 or newer (effects replication, so that TIME may
 * be used before a write).
 *
 * Keys, all under the prefix P, which is KEYS[1]; with a hash tag in it (`{lianmai}:`) they are of one slot:
 *   P clock          hash: `seen` when anybody was here last, `settled` when it has settled, ms of TIME; `run` which Redis process that was
 *   P fence          the highest fence that was ever given or shown
 *   P rev            the number of the last change
 *   P entry:KIND:ID  hash: fence, holder, data, at, beat, beatAt; without a holder it is only remembered that this fence was given
 *   P live:KIND      sorted set: id → when it expires, ms of TIME
 *   P changes        channel: JSON [rev, kind, id, holder, fence, data], all texts
 * Entries have a TTL of KEPT_MS that each renewal sets anew: what a fleet that was given up leaves goes away by itself.
 *
 * All times are of Redis' TIME, so clocks of nodes do not matter. TIME may step: who is "live" for longer than a lease's life ahead is not, and
 * a step that is larger than half of it counts as having been away.
 */

/** How long the fence of what nobody has is known, and a record that nobody renews is kept, ms: longer than LIANMAI_RESUME_SECONDS may be. */
export const KEPT_MS = 2 * 86_400_000;

/** Sorted sets hold doubles; later than any time. */
export const NEVER = '9000000000000000';

/** ARGV: 1 ttl, 2 run id, 3 highest fence that the caller has seen. */
const HEAD = `
local P, ttl, run = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local NEVER, KEPT = ${NEVER}, ${KEPT_MS}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = function(n) return string.format('%.0f', n) end

local clock = redis.call('HMGET', P..'clock', 'seen', 'settled', 'run')
local seen, settled = tonumber(clock[1] or 0), tonumber(clock[2] or 0)
if math.abs(now - seen) > ttl / 2 or clock[3] ~= run then settled = now + ttl end
redis.call('HSET', P..'clock', 'seen', text(now), 'settled', text(settled), 'run', run)
local settling = math.max(0, settled - now)

local highest = tonumber(redis.call('GET', P..'fence') or 0)
local function raise(fence)
  if fence > highest then
    highest = fence
    redis.call('SET', P..'fence', text(fence))
  end
end
raise(tonumber(ARGV[3]))

local function newestRev()
  -- After a loss it does not begin at 0: numbers only grow, so that nobody takes a new change for an old one.
  redis.call('SET', P..'rev', text(now), 'NX')
  return text(tonumber(redis.call('GET', P..'rev')))
end
local function key(kind, id) return P..'entry:'..kind..':'..id end
local function alive(kind, id)
  local score = tonumber(redis.call('ZSCORE', P..'live:'..kind, id) or 0)
  return score == NEVER or (score > now and score <= now + ttl)
end
local function tell(kind, id, holder, fence, data)
  newestRev()
  local rev = text(redis.call('INCR', P..'rev'))
  redis.call('PUBLISH', P..'changes', cjson.encode({ rev, kind, id, holder, text(fence), data }))
end
local function drop(kind, id)
  local fence = tonumber(redis.call('HGET', key(kind, id), 'fence') or 0)
  redis.call('HDEL', key(kind, id), 'holder', 'data', 'at', 'beat', 'beatAt')
  redis.call('ZREM', P..'live:'..kind, id)
  tell(kind, id, '', fence, '')
end
local function entry(kind, id)
  local h = redis.call('HMGET', key(kind, id), 'holder', 'fence', 'data', 'at', 'beat', 'beatAt')
  if not h[1] then return nil end
  local age = function(at) return text(now - tonumber(at or now)) end
  return { id, h[1], h[2], h[3], age(h[4]), h[5] or '', age(h[6]) }
end
`;

/** ARGV: 4 kind, 5 id, 6 holder, 7 fence or 0 for a new one, 8 data, 9 whether it lasts, 10 whether it may be given while settling, 11 beat. */
const CLAIM = `${HEAD}
local kind, id, me, fence, data = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]
local h = redis.call('HMGET', key(kind, id), 'holder', 'fence', 'data')
local holder, newest = h[1] or '', tonumber(h[2] or 0)
local there = holder ~= '' and alive(kind, id)
if fence == 0 then
  if there and holder ~= me then return { 'held', unpack(entry(kind, id)) } end
  if settling > 0 and holder ~= me and ARGV[10] == '0' then return { 'wait', text(settling) } end
  fence = math.max(highest + 1, newest + 1, now)
elseif newest > fence or (newest == fence and holder ~= '' and holder ~= me) then
  return { 'lost', holder, text(newest) }
end
raise(fence)
redis.call('HSET', key(kind, id), 'holder', me, 'fence', text(fence), 'data', data, 'at', text(now))
if holder ~= me then redis.call('HDEL', key(kind, id), 'beat', 'beatAt') end
if ARGV[11] ~= '' then redis.call('HSET', key(kind, id), 'beat', ARGV[11], 'beatAt', text(now)) end
redis.call('PEXPIRE', key(kind, id), KEPT)
redis.call('ZADD', P..'live:'..kind, ARGV[9] == '1' and NEVER or text(now + ttl), id)
if not (there and holder == me and newest == fence and h[3] == data) then tell(kind, id, me, fence, data) end
return { 'mine', text(fence) }
`;

/** ARGV: 4 holder, 5 how many kinds, then the kinds, then kind, id, fence, beat, whether it lasts, of each. */
const RENEW = `${HEAD}
local me, kinds, answers = ARGV[4], {}, {}
for n = 1, tonumber(ARGV[5]) do kinds[n] = ARGV[5 + n] end
for n = 6 + #kinds, #ARGV, 5 do
  local kind, id, fence, beat = ARGV[n], ARGV[n + 1], tonumber(ARGV[n + 2]), ARGV[n + 3]
  local h = redis.call('HMGET', key(kind, id), 'holder', 'fence')
  local holder, newest = h[1] or '', tonumber(h[2] or 0)
  raise(fence)
  if newest > fence or (newest == fence and holder ~= '' and holder ~= me) then
    answers[#answers + 1] = { 'lost', holder, text(newest) }
  elseif newest < fence or holder == '' then
    answers[#answers + 1] = { 'absent' }
  else
    redis.call('PEXPIRE', key(kind, id), KEPT)
    redis.call('ZADD', P..'live:'..kind, ARGV[n + 4] == '1' and NEVER or text(now + ttl), id)
    if beat ~= '' then redis.call('HSET', key(kind, id), 'beat', beat, 'beatAt', text(now)) end
    answers[#answers + 1] = { 'held' }
  end
end
local soonest = settling > 0 and settled or NEVER
for _, kind in ipairs(kinds) do
  local live = P..'live:'..kind
  if settling == 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', live, '-inf', text(now), 'LIMIT', 0, 200)) do drop(kind, id) end
    local ahead = { '('..text(now + ttl), '('..text(NEVER) }
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', live, ahead[1], ahead[2], 'LIMIT', 0, 200)) do drop(kind, id) end
  end
  local first = redis.call('ZRANGE', live, 0, 0, 'WITHSCORES')
  if first[2] and settling == 0 then soonest = math.min(soonest, tonumber(first[2])) end
end
return { newestRev(), text(highest), soonest < NEVER and text(soonest - now) or '', answers }
`;

/** ARGV: 4 kind, 5 id, 6 holder, 7 fence. */
const RELEASE = `${HEAD}
local kind, id = ARGV[4], ARGV[5]
local h = redis.call('HMGET', key(kind, id), 'holder', 'fence')
if h[1] == ARGV[6] and tonumber(h[2] or 0) == tonumber(ARGV[7]) then drop(kind, id) end
return { text(highest) }
`;

/** ARGV: 4 kind. What has expired is not listed, unless it settles. */
const LIST = `${HEAD}
local kind, live, entries = ARGV[4], P..'live:'..ARGV[4], {}
for _, id in ipairs(redis.call('ZRANGE', live, 0, -1)) do
  if settling > 0 or alive(kind, id) then
    local found = entry(kind, id)
    if found then entries[#entries + 1] = found else redis.call('ZREM', live, id) end
  end
end
return { newestRev(), text(settling), entries }
`;

/** ARGV: 4 kind, 5 id. */
const GET = `${HEAD}
local there = redis.call('ZSCORE', P..'live:'..ARGV[4], ARGV[5]) and (settling > 0 or alive(ARGV[4], ARGV[5]))
return there and entry(ARGV[4], ARGV[5]) or {}
`;

export const SCRIPTS = {
  lianmaiClaim: { lua: CLAIM, numberOfKeys: 1 },
  lianmaiRenew: { lua: RENEW, numberOfKeys: 1 },
  lianmaiRelease: { lua: RELEASE, numberOfKeys: 1 },
  lianmaiList: { lua: LIST, numberOfKeys: 1 },
  lianmaiGet: { lua: GET, numberOfKeys: 1 },
} as const;
