/**
 * The chat's steps in Redis that read and write at once. Keys below KEYS[1], which is the prefix with `chat:ROOM:`; all of them go away
 * by themselves:
 *   log     stream of the last messages, field `m`: JSON without its id
 *   out     hash: who may not write → until when, ms of TIME
 *   slow, guarded
 *   last:P  when person P wrote last, while slow mode holds them
 *   people  hash: node → how many it has and when it said so
 */
import { CHAT_HISTORY } from '../contracts/chat.ts';
import { CHAT_KEPT_MS, PEOPLE_STALE_MS } from './ChatStore.ts';

const HEAD = `
local P = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = function(n) return string.format('%.0f', n) end
`;

/** ARGV: 1 person, 2 from, 3 exempt, 4 message. */
const SAY = `${HEAD}
if ARGV[3] ~= 'all' then
  local held = 0
  for _, until_ in ipairs(redis.call('HMGET', P..'out', ARGV[1], ARGV[2])) do
    if until_ then held = math.max(held, tonumber(until_)) end
  end
  if held > now then return { 'out', text(held) } end
end
if ARGV[3] == 'nothing' then
  local slow = tonumber(redis.call('GET', P..'slow') or 0)
  if slow > 0 and not redis.call('SET', P..'last:'..ARGV[1], '1', 'NX', 'PX', text(slow * 1000)) then
    return { 'slow', text(now + redis.call('PTTL', P..'last:'..ARGV[1])) }
  end
end
local id = redis.call('XADD', P..'log', 'MAXLEN', '${CHAT_HISTORY}', '*', 'm', ARGV[4])
redis.call('PEXPIRE', P..'log', ${CHAT_KEPT_MS})
return { 'said', id }
`;

/** Answers slow mode, whether it is guarded, time-outs as one list, messages as [id, m, …]. */
const READ = `${HEAD}
local out = {}
local all = redis.call('HGETALL', P..'out')
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) > now then
    out[#out + 1] = all[i]
    out[#out + 1] = all[i + 1]
  else redis.call('HDEL', P..'out', all[i]) end
end
local log = {}
for _, entry in ipairs(redis.call('XRANGE', P..'log', '-', '+')) do
  log[#log + 1] = entry[1]
  log[#log + 1] = entry[2][2]
end
return { redis.call('GET', P..'slow') or '0', redis.call('GET', P..'guarded') or '0', out, log }
`;

/** ARGV: 1 seconds, then who. Who was held by one step is let go by one. */
const TIME_OUT = `${HEAD}
local until_ = 0
if tonumber(ARGV[1]) > 0 then
  until_ = now + ARGV[1] * 1000
  for i = 2, #ARGV do redis.call('HSET', P..'out', ARGV[i], text(until_)) end
else
  local together, all = {}, redis.call('HGETALL', P..'out')
  for i = 2, #ARGV do together[redis.call('HGET', P..'out', ARGV[i]) or ''] = true end
  for i = 1, #all, 2 do if together[all[i + 1]] then redis.call('HDEL', P..'out', all[i]) end end
end
redis.call('PEXPIRE', P..'out', ${86_400_000 + CHAT_KEPT_MS})
return text(until_)
`;

/** ARGV: 1 node, 2 how many. Answers the sum of all. */
const PEOPLE = `${HEAD}
if tonumber(ARGV[2]) > 0 then redis.call('HSET', P..'people', ARGV[1], ARGV[2]..' '..text(now))
else redis.call('HDEL', P..'people', ARGV[1]) end
local sum, all = 0, redis.call('HGETALL', P..'people')
for i = 1, #all, 2 do
  local count, at = string.match(all[i + 1], '^(%d+) (%d+)$')
  if count and math.abs(now - tonumber(at)) < ${PEOPLE_STALE_MS} then sum = sum + tonumber(count)
  else redis.call('HDEL', P..'people', all[i]) end
end
redis.call('PEXPIRE', P..'people', ${PEOPLE_STALE_MS})
return sum
`;

export const CHAT_SCRIPTS = {
  lianmaiChatSay: { lua: SAY, numberOfKeys: 1 },
  lianmaiChatRead: { lua: READ, numberOfKeys: 1 },
  lianmaiChatTimeOut: { lua: TIME_OUT, numberOfKeys: 1 },
  lianmaiChatPeople: { lua: PEOPLE, numberOfKeys: 1 },
} as const;
