/**
 * `npm run simulate -- --url http://127.0.0.1:8080 --room demo --peers 3 --seconds 30`: WebRTC peers without a browser.
 * Each has its own colour, counter and beep, which can be read back from the program.
 */
import { readFile } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Secret } from '../src/common/Secret.ts';
import { RoomId } from '../src/contracts/ids.ts';
import { Tokens } from '../src/tokens/Tokens.ts';
import { VIDEO_CODECS } from './simulator/clip/makeClip.ts';
import type { SimulatorEvent } from './simulator/events.ts';
import { processPacer } from './simulator/Pacer.ts';
import { Swarm } from './simulator/Swarm.ts';
import { parseScript, type Step } from './simulator/script.ts';
import { ServerApi } from './simulator/serverApi.ts';

const USAGE = `npm run simulate -- [options]
  --url URL            the server (http://127.0.0.1:8080)
  --room ROOM          the room (demo)
  --peers N            how many (3)
  --seconds N          how long; 0: until Ctrl+C (30)
  --codec CODEC        vp8, h264, vp9 or av1 (vp8); the last two in one layer
  --consume            receive what the others send, and count it
  --loss PERCENT       packets lost on their way to the server (0)
  --script FILE        JSON: [{"at": SECONDS, "peer": NUMBER, "do": "join|leave|drop|mute|unmute|camera-off|camera-on|speak|hush"}, ...]
  --token TOKEN        a join token, for one peer
  --api-token TOKEN    an api token, by which join tokens are asked for (or LIANMAI_API_TOKEN)
  --secret SECRET      the server's secret, by which tokens are made (or LIANMAI_SECRET)
  --go-live            start the broadcast, and stop it at the end
  --destination URL    with --go-live: push the program there
  --json               the last line printed is one JSON object
  --present N          so many of the peers join at the start (all that the script does not let join later)
  --commands           does what lines on stdin say: {"peer": NUMBER, "do": ...} as in a script
  --events             each event is a line of JSON on stdout, with its wall clock: joined, sending, doing, did`;

class UsageError extends Error {}

const { options, api, script } = await settings().catch((error: unknown) => {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
  process.exit(2);
});

async function settings() {
  const { values } = readArguments();
  if (values.help) throw new UsageError('Simulated WebRTC peers.');
  const number = (name: 'peers' | 'present' | 'seconds' | 'loss', min: number, max: number): number => {
    const value = Number(values[name]);
    if (!(value >= min && value <= max)) throw new UsageError(`--${name}: a number from ${min} to ${max}`);
    return value;
  };
  const codec = VIDEO_CODECS.find((known) => known === values.codec);
  if (!codec) throw new UsageError(`--codec: one of ${VIDEO_CODECS.join(', ')}`);
  if (!URL.canParse(values.url)) throw new UsageError('--url: a URL such as http://127.0.0.1:8080');
  if (!RoomId.safeParse(values.room).success) throw new UsageError('--room: 1 to 64 of a-z, 0-9, _ and -');
  const peers = Math.floor(number('peers', 1, 1000));
  const present = values.present === undefined ? peers : Math.floor(number('present', 0, peers));
  const script: Step[] = values.script ? await readScript(values.script) : [];
  const stranger = script.find((step) => step.peer >= peers);
  if (stranger)
    throw new UsageError(`the script names peer ${stranger.peer}; with --peers ${peers} the last is ${peers - 1}`);
  if (values.token && peers > 1) throw new UsageError('--token is for one peer: a second would drive the first out');
  const secret = values.secret ?? process.env.LIANMAI_SECRET?.split(',')[0];
  const signed = secret
    ? await Tokens.create([new Secret(secret)]).sign({ aud: 'api', sub: 'simulator' }, 24 * 3600)
    : undefined;
  const api = new ServerApi(values.url, values['api-token'] ?? process.env.LIANMAI_API_TOKEN ?? signed);
  return {
    options: {
      ...values,
      codec,
      peers,
      present,
      seconds: number('seconds', 0, 1e6),
      loss: number('loss', 0, 100) / 100,
    } as const,
    api,
    script,
  };
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:8080' },
        room: { type: 'string', default: 'demo' },
        peers: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '30' },
        codec: { type: 'string', default: 'vp8' },
        consume: { type: 'boolean', default: false },
        loss: { type: 'string', default: '0' },
        script: { type: 'string' },
        token: { type: 'string' },
        'api-token': { type: 'string' },
        secret: { type: 'string' },
        'go-live': { type: 'boolean', default: false },
        destination: { type: 'string' },
        json: { type: 'boolean', default: false },
        events: { type: 'boolean', default: false },
        commands: { type: 'boolean', default: false },
        present: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function readScript(path: string): Promise<Step[]> {
  try {
    return parseScript(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`--script: ${(error as Error).message}`);
  }
}

function summary(swarm: Swarm, seconds: number, cpuSeconds: number) {
  const peers = swarm.counters().map(({ number, counters }) => ({ peer: number, ...counters }));
  const sum = (of: (peer: (typeof peers)[number]) => number) => peers.reduce((total, peer) => total + of(peer), 0);
  const received = peers.flatMap((peer) => peer.received);
  return {
    peers: peers.length,
    seconds: Number(seconds.toFixed(1)),
    packets: sum((p) => p.packets),
    kbps: seconds > 0 ? Math.round((sum((p) => p.bytes) * 8) / 1000 / seconds) : 0,
    resent: sum((p) => p.resent),
    key_frame_requests: sum((p) => p.keyFrameRequests),
    skipped: sum((p) => p.skipped),
    /** Longest that cameras and microphones of all peers stood still, ms. */
    longest_tick_ms: Number(processPacer.longestMs.toFixed(1)),
    send_errors: sum((p) => p.sendErrors),
    received_packets: received.reduce((total, r) => total + r.packets, 0),
    received_lost: received.reduce((total, r) => total + r.lost, 0),
    cpu_percent_of_core: seconds > 0 ? Number(((100 * cpuSeconds) / seconds).toFixed(1)) : 0,
    by_peer: peers.map(({ received: r, ...rest }) => ({ ...rest, received: r.length })),
  };
}

const swarm = new Swarm({
  ...{ url: api.url, peers: options.peers, present: options.present, codec: options.codec },
  ...{ consume: options.consume, loss: options.loss, script },
  token: async (number) =>
    options.token ?? api.joinToken(options.room, number === 0 ? 'host' : 'cohost', `Peer ${number}`),
});
const say = options.json || options.events ? console.error : console.log;
const tell = (event: SimulatorEvent): void => {
  if (options.events) console.log(JSON.stringify(event));
};
const nowMs = (): number => performance.timeOrigin + performance.now();
swarm.on('making', (clip) => say(`making the clip of peer ${clip} (once; it is kept in the cache) …`));
swarm.on('joined', (peer) => {
  say(`peer ${peer.number} has joined as ${peer.id}`);
  tell({ event: 'joined', peer: peer.number, id: peer.id ?? '', atMs: nowMs() });
});
swarm.on('sending', (peer, atMs) => tell({ event: 'sending', peer, atMs }));
swarm.on('doing', (step) => tell({ event: 'doing', peer: step.peer, do: step.do, atMs: nowMs() }));
swarm.on('did', (step) => {
  say(`${step.at} s: peer ${step.peer} ${step.do}`);
  tell({ event: 'did', peer: step.peer, do: step.do, atMs: nowMs() });
});
swarm.on('failed', (number, error) => say(`peer ${number}: ${error.message}`));
swarm.on('left', (number, reason) => say(`peer ${number} was sent away: ${reason}`));

/** Resolves at Ctrl+C or SIGTERM; a second one ends the process at once. */
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      resolve();
      process.once(signal, () => process.exit(1));
    });
  }
});

async function goLive(): Promise<void> {
  const destinations = options.destination ? [{ url: options.destination }] : [];
  const status = await api.startBroadcast(options.room, { destinations });
  say(`${options.room} is ${status.state}: ${api.url}${status.playlist}`);
}

function takeCommands(): Interface {
  return createInterface({ input: process.stdin }).on('line', (line) => {
    try {
      for (const step of parseScript(`[${line}]`)) void swarm.do(step);
    } catch (error) {
      say((error as Error).message);
    }
  });
}

async function run(): Promise<number> {
  const started = swarm.start();
  // A swarm that is stopped while it starts rejects; then Ctrl+C is the reason, and not a failure.
  started.catch(() => {});
  if ((await Promise.race([started.then(() => 'started'), interrupted])) !== 'started') {
    await swarm.stop();
    return 0;
  }
  const commands = options.commands ? takeCommands() : null;
  if (options['go-live']) await goLive();
  const [since, cpu] = [performance.now(), process.cpuUsage()];
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    if (options.seconds > 0) timer = setTimeout(resolve, options.seconds * 1000);
  });
  await Promise.race([over, interrupted]);
  clearTimeout(timer);
  const used = process.cpuUsage(cpu);
  const result = summary(swarm, (performance.now() - since) / 1000, (used.user + used.system) / 1e6);
  if (options['go-live']) await api.stopBroadcast(options.room).catch((error: unknown) => say(String(error)));
  await swarm.stop();
  commands?.close();
  const { by_peer: _, ...totals } = result;
  for (const [name, value] of Object.entries(totals)) say(`${name.replaceAll('_', ' ')}: ${value}`);
  if (options.json) console.log(JSON.stringify({ simulate: options.room, ...result }));
  return 0;
}

process.exitCode = await run().catch(async (error: unknown) => {
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`);
  await swarm.stop();
  return 1;
});
