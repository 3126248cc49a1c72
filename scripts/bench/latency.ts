/**
 * How old a picture is when it is seen: a real server, two simulated peers, a 720p program, an RTMP server that receives it and a browser
 * that watches. Capture is the moment at which the first RTP packet left of the frame whose counter is in the picture.
 *
 *   rtmp_ms_p95    when the frame has arrived at the RTMP server; ≤ 600
 *   llhls_ms_p95   when it is on the screen of `/watch` in Chromium, with hls.js; ≤ 2500
 *   stalls         `waiting` events and BUFFER_STALLED of that page, from 5 s after its first picture on; 0
 *   hls_ms_p95     the same with hls.js and `lowLatencyMode: false`, median of the first seconds of each fresh join; ≤ 9000
 *   golive_ms_p95  from the API call to the first part that can be played, peers being in the room already; ≤ 2000
 *
 * Frames count when they are seen for the first time. --minutes N of watching (10), --joins N (20), --starts N (20), --peers N (2), --keep
 * FOLDER keeps the server's log. Who leaves something out with 0 gets null for it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launchBrowser } from '../../test/support/browser.ts';
import { RtmpServer } from '../../test/support/rtmpServer.ts';
import { eventually, ServerProcess } from '../../test/support/ServerProcess.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { Swarm } from '../simulator/Swarm.ts';
import { ServerApi } from '../simulator/serverApi.ts';
import type { FirstSeen } from './latency/FirstSeen.ts';
import { FlvTail } from './latency/FlvTail.ts';
import { timeGoLive } from './latency/goLive.ts';
import { rtmpAges } from './latency/rtmpAges.ts';
import { SentLog } from './latency/SentLog.ts';
import { plainJoin, type Watched, type WatchOptions, watchPage } from './latency/watch.ts';
import { makeClips } from './support/LiveShow.ts';
import { spread } from './support/spread.ts';

const ROOM = 'bench';
const STREAM_KEY = 'bench-key';
const SIZE = { width: 1280, height: 720 };
/** What the issue asks for, ms. */
const LIMITS = { rtmp: 600, llhls: 2500, hls: 9000, golive: 2000, stalls: 0 } as const;

interface Plan {
  minutes: number;
  joins: number;
  starts: number;
  peers: number;
  folder: string;
}

interface Measured {
  golive: number[];
  rtmp: FirstSeen | null;
  watched: Watched | null;
  joins: number[];
}

export const run: Bench = async (context) => {
  const { values } = parseArgs({
    args: context.args,
    options: {
      minutes: { type: 'string', default: '10' },
      joins: { type: 'string', default: '20' },
      starts: { type: 'string', default: '20' },
      peers: { type: 'string', default: '2' },
      keep: { type: 'string' },
    },
  });
  const [minutes, joins, starts] = [Number(values.minutes), Number(values.joins), Number(values.starts)];
  const peers = Number(values.peers);
  if (!(minutes >= 0 && joins >= 0 && starts >= 0 && peers >= 1 && peers <= 16))
    throw new Error('--minutes, --joins, --starts 0 or more, --peers 1 to 16');
  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'lianmai-bench-')));
  try {
    await makeClips(peers, context);
    const measured = await measure({ minutes, joins, starts, peers, folder }, context);
    return { minutes, peers, ...report(measured), load: Number((loadavg()[0] ?? 0).toFixed(2)) };
  } finally {
    if (!values.keep) await rm(folder, { recursive: true, force: true });
  }
};

async function measure(plan: Plan, { say, signal }: BenchContext): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  signal.throwIfAborted();
  const rtmp = await RtmpServer.start();
  stack.defer(() => rtmp.close());
  const server = await ServerProcess.start({
    LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true',
    LIANMAI_LOG_LEVEL: 'info',
  });
  stack.defer(async () => {
    await server.stop();
    await writeFile(join(plan.folder, 'server.log'), server.output.join('\n'));
  });
  const api = new ServerApi(server.url);
  const token = (n: number) => api.joinToken(ROOM, n === 0 ? 'host' : 'cohost');
  const swarm = new Swarm({ url: server.url, peers: plan.peers, token });
  stack.defer(() => swarm.stop());
  await swarm.start();
  say(`${plan.peers} peers have joined`);
  const golive = await timeStarts(api, plan.starts, say, signal);
  const measured: Measured = { golive, rtmp: null, watched: null, joins: [] };
  if (plan.minutes === 0 && plan.joins === 0) return measured;

  const destinations = [{ name: 'cdn', url: rtmp.url, key: STREAM_KEY }];
  const { playlist } = await api.startBroadcast(ROOM, { video: SIZE, destinations });
  await rtmp.waitFor(({ call, name }) => call === 'publish' && name === STREAM_KEY);
  await eventually(async () => (await rtmp.recordings()).length > 0, 'the RTMP server receives');
  const file = (await rtmp.recordings())[0] ?? '';
  const log = new SentLog(swarm);
  const tail = new FlvTail(file);
  stack.defer(() => tail.close());
  const browser = await launchBrowser();
  stack.defer(() => browser.close());
  const watching = { browser: browser.browser, url: server.url, peers: plan.peers, size: SIZE, log, signal };
  if (plan.minutes > 0) {
    say(`watching for ${plan.minutes} min …`);
    measured.watched = await watchPage(watching, ROOM, plan.minutes * 60);
  }
  tail.close();
  log.update();
  measured.joins = await timeJoins(watching, server.url + playlist, plan.joins, say);
  await api.stopBroadcast(ROOM);
  await swarm.stop();
  say('reading what the RTMP server has received …');
  if (plan.minutes > 0) measured.rtmp = await rtmpAges(file, tail.frames, plan.peers, log);
  return measured;
}

async function timeStarts(api: ServerApi, starts: number, say: (line: string) => void, signal: AbortSignal) {
  const golive: number[] = [];
  for (let turn = 0, last: string | null = null; turn < starts; turn++) {
    const { id, ms } = await timeGoLive({ api, room: ROOM, signal }, last);
    last = id;
    golive.push(ms);
    say(`start ${turn + 1}: playable after ${ms.toFixed(0)} ms`);
  }
  return golive;
}

async function timeJoins(options: WatchOptions, playlist: string, joins: number, say: (line: string) => void) {
  const ages: number[] = [];
  for (let turn = 0; turn < joins; turn++) {
    const age = await plainJoin(options, playlist);
    ages.push(age);
    say(`join ${turn + 1} without low latency: ${age.toFixed(0)} ms behind`);
  }
  return ages;
}

function report({ golive, rtmp, watched, joins }: Measured) {
  const p95 = (ages: readonly number[]) => spread(ages)?.p95 ?? null;
  const result = {
    rtmp_ms_p95: rtmp ? p95(rtmp.ages) : null,
    llhls_ms_p95: watched ? p95(watched.ages) : null,
    stalls: watched ? watched.stalls : null,
    hls_ms_p95: p95(joins),
    golive_ms_p95: p95(golive),
  };
  const within = (value: number | null, limit: number) => value === null || value <= limit;
  return {
    ...result,
    pass:
      within(result.rtmp_ms_p95, LIMITS.rtmp) &&
      within(result.llhls_ms_p95, LIMITS.llhls) &&
      within(result.stalls, LIMITS.stalls) &&
      within(result.hls_ms_p95, LIMITS.hls) &&
      within(result.golive_ms_p95, LIMITS.golive),
    rtmp_ms: rtmp ? spread(rtmp.ages) : null,
    llhls_ms: watched ? spread(watched.ages) : null,
    hls_ms: spread(joins),
    golive_ms: spread(golive),
    stalled_at_s: watched?.stalledAt ?? [],
    frames: { rtmp: rtmp?.ages.length ?? 0, llhls: watched?.ages.length ?? 0 },
    /** Codes in the picture that nobody has sent. */
    misread: { rtmp: rtmp?.unknown ?? 0, llhls: watched?.unknown ?? 0 },
  };
}
