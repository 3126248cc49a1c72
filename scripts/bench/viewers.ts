/**
 * Simulated LL-HLS viewers against one delivery process that has one core to itself; they are on the other. Each holds a blocking reload
 * of the video and the audio playlist, and fetches all parts of a 1280x720 program of 2.5 Mbit/s.
 *
 *   viewers       that were there                                                                        ≥ 1,000
 *   part_ms_p99   from the last byte of the PUT to the viewer's last byte of the part                    < part_ms
 *   part_ms       length of a part
 *   to_nginx      bytes for each CPU second, of those that nginx serves as static files for the same requests of as many viewers ≥ 0.40
 *   rss_mb_max    the most that delivery had resident, also while --parked requests wait and are cut off, three times ≤ 600
 *
 * --viewers 1000, --seconds 30, --parked 10000. Needs two cores, `taskset` and nginx; nginx runs after delivery, on the same core.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { partSeconds } from '../../src/contracts/grid.ts';
import { GRID } from '../../test/support/programParts.ts';
import { eventually } from '../../test/support/ServerProcess.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { cpuSecondsOf } from './support/CpuMeter.ts';
import { residentBytesOf } from './support/residentBytes.ts';
import { scrape } from './support/scrape.ts';
import { LiveProgram, PARTS_PER_SEGMENT, ROOM } from './viewers/LiveProgram.ts';
import {
  type FromGenerator,
  monotonicMs,
  type Report,
  type Step,
  type Target,
  type ToGenerator,
} from './viewers/messages.ts';
import { NginxFiles } from './viewers/NginxFiles.ts';

const execute = promisify(execFile);
const SERVER_CORE = 0;
const VIEWERS_CORE = 1;
/** Viewers a second that come. */
const JOINS_PER_SECOND = 100;
/** After the last has come, before counting begins, ms. */
const SETTLE_MS = 3_000;
const PARK_ROUNDS = 3;
/** Of the blocking requests that are parked: so many segments ahead nothing comes before the round is over. */
const PARK_MS = 1_500;
const PART_MS = partSeconds(GRID) * 1000;
const GOALS = { viewers: 1000, toNginx: 0.4, rssMb: 600 };

interface Settings extends BenchContext {
  viewers: number;
  seconds: number;
  parked: number;
  folder: string;
  generator: Generator;
}

/** What a phase of watching came to. */
interface Served {
  report: Report;
  cpuSeconds: number;
  rssMb: number;
  generatorPercent: number;
}

export const run: Bench = async (context) => {
  const options = readOptions(context.args);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-viewers-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const generator = new Generator();
  stack.defer(() => generator.close());
  await pin(generator.pid, VIEWERS_CORE);
  await pin(process.pid, VIEWERS_CORE);
  const settings = { ...context, ...options, folder, generator };
  const program = await LiveProgram.start();
  stack.defer(() => program.close());
  await pin(program.server.pid, SERVER_CORE);
  const { served, steps } = await watchDelivery(program, settings);
  const rssParked = await parkRequests(program, settings);
  const nginx = await watchNginx(steps, settings);
  return judge(served, nginx, rssParked, options);
};

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      viewers: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '30' },
      parked: { type: 'string', default: '10000' },
    },
  });
  const options = { viewers: Number(values.viewers), seconds: Number(values.seconds), parked: Number(values.parked) };
  if (!(options.viewers >= 1 && options.seconds >= 4 && options.parked >= 0))
    throw new Error('--viewers: 1 or more; --seconds: 4 or more; --parked: 0 or more');
  return options;
}

/** All threads of a process on one core. */
async function pin(pid: number, core: number): Promise<void> {
  await execute('taskset', ['-a', '-c', '-p', String(core), String(pid)]);
}

/** The program as delivery serves it; its playlists and parts are kept as files for nginx. */
async function watchDelivery(program: LiveProgram, settings: Settings): Promise<{ served: Served; steps: Step[] }> {
  const { generator, folder } = settings;
  const base = `/live/${ROOM}/${program.broadcast}`;
  const target: Target = { port: Number(new URL(program.server.url).port), base, playlist: 'blocking' };
  const keeping: Promise<void>[] = [];
  const steps: Step[] = [];
  const onPut = (rendition: string, step: Step, atMs: number) => {
    generator.send({ type: 'put', rendition, step, atMs });
    keeping.push(keepFiles(program.server.url + base, join(folder, 'files', rendition), step));
    if (rendition === 'v720') steps.push(step);
  };
  const first = program.newest;
  program.on('put', onPut);
  const served = await watch(settings, target, program.server.pid, first);
  program.off('put', onPut);
  await Promise.all(keeping);
  return { served, steps };
}

/** What the viewers fetch for one part: the playlist that names it, and the part. */
async function keepFiles(base: string, folder: string, { segment, part }: Step): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${segment}.${part}`);
  const url = `${base}/${basename(folder)}`;
  const playlist = await bytesOf(`${url}/index.m3u8?_HLS_msn=${segment}&_HLS_part=${part}`);
  await writeFile(`${file}.m3u8`, playlist);
  await writeFile(`${file}.m3u8.gz`, gzipSync(playlist));
  await writeFile(`${file}.m4s`, await bytesOf(`${url}/${segment}.${part}.m4s`));
}

async function bytesOf(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} was answered ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

/** The same parts at the same pace. */
async function watchNginx(steps: readonly Step[], settings: Settings): Promise<Served> {
  const [first] = steps;
  if (!first) throw new Error('nothing was recorded');
  const nginx = await NginxFiles.start(settings.folder);
  const stop = new AbortController();
  try {
    const pid = await nginx.workerPid();
    await pin(pid, SERVER_CORE);
    const replaying = replay(steps, settings.generator, stop.signal);
    const served = await watch(settings, { port: nginx.port, base: '', playlist: 'file' }, pid, first);
    stop.abort();
    await replaying;
    return served;
  } finally {
    stop.abort();
    await nginx.close();
  }
}

async function replay(steps: readonly Step[], generator: Generator, signal: AbortSignal): Promise<void> {
  const begunMs = monotonicMs();
  for (const [i, step] of steps.entries()) {
    await delay(Math.max(0, begunMs + (i + 1) * PART_MS - monotonicMs()), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    for (const rendition of ['a0', 'v720']) generator.send({ type: 'put', rendition, step, atMs: monotonicMs() });
  }
}

/** Viewers come; when they have, the server is measured for `seconds`; then they go. */
async function watch(settings: Settings, target: Target, pid: number, first: Step): Promise<Served> {
  const { generator, viewers, seconds, say, signal } = settings;
  const rampMs = (1000 * viewers) / JOINS_PER_SECOND;
  const message = { type: 'watch', target, viewers, rampMs, first, partsPerSegment: PARTS_PER_SEGMENT } as const;
  await generator.ask(message, 'ready');
  await delay(SETTLE_MS, undefined, { signal });
  await generator.ask({ type: 'report' }, 'report');
  const [cpu, load, begunMs] = [await cpuSecondsOf(pid), await cpuSecondsOf(generator.pid), monotonicMs()];
  let rssMb = 0;
  while (monotonicMs() < begunMs + seconds * 1000) {
    await delay(Math.min(1000, Math.max(0, begunMs + seconds * 1000 - monotonicMs())), undefined, { signal });
    rssMb = Math.max(rssMb, (await residentBytesOf(pid)) / 1e6);
  }
  const cpuSeconds = (await cpuSecondsOf(pid)) - cpu;
  const generatorPercent = (100 * ((await cpuSecondsOf(generator.pid)) - load)) / seconds;
  const report = await generator.ask({ type: 'report' }, 'report');
  generator.send({ type: 'abort' });
  say(
    `${report.viewers} viewers: ${(report.bytes / 1e6 / seconds).toFixed(0)} MB/s, ${(report.answers / seconds).toFixed(0)} answers/s, ` +
      `server ${((100 * cpuSeconds) / seconds).toFixed(0)} % of a core, generator ${generatorPercent.toFixed(0)} %, ` +
      `part p99 ${percentile(report.partMs, 0.99).toFixed(0)} ms, ${report.failures} failures ${report.firstFailure}, ${report.behind} behind`,
  );
  return { report, cpuSeconds, rssMb, generatorPercent };
}

/** Requests that wait and are cut off, some times: what they held must be given back. Answers the most that was resident, MB. */
async function parkRequests(program: LiveProgram, { parked, generator, say }: Settings): Promise<number> {
  const { server, broadcast } = program;
  const target: Target = {
    port: Number(new URL(server.url).port),
    base: `/live/${ROOM}/${broadcast}`,
    playlist: 'blocking',
  };
  let most = 0;
  const waiting = async () => (await scrape(`${server.internalUrl}/metrics`)).lianmai_hls_waiting ?? 0;
  for (let round = 0; round < (parked > 0 ? PARK_ROUNDS : 0); round++) {
    // The last part of the segment after this one: the next two seconds at least it does not come.
    const step = { segment: program.newest.segment + 1, part: PARTS_PER_SEGMENT - 1 };
    await generator.ask({ type: 'park', target, requests: parked, step }, 'parked');
    await delay(PARK_MS);
    const rss = (await residentBytesOf(server.pid)) / 1e6;
    most = Math.max(most, rss);
    say(`round ${round + 1}: ${await waiting()} requests wait, ${rss.toFixed(0)} MB`);
    generator.send({ type: 'abort' });
    await eventually(async () => (await waiting()) < 10, 'the requests that were cut off are forgotten');
  }
  return most;
}

const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

function judge(ours: Served, nginx: Served, rssParked: number, options: ReturnType<typeof readOptions>) {
  const perCpu = ({ report, cpuSeconds }: Served) => report.bytes / cpuSeconds;
  const toNginx = perCpu(ours) / perCpu(nginx);
  const p99 = percentile(ours.report.partMs, 0.99);
  const rssMax = Math.max(ours.rssMb, rssParked);
  const missed = [
    ...(ours.report.viewers < GOALS.viewers ? ['viewers'] : []),
    ...(ours.report.partMs.length === 0 || p99 >= PART_MS ? ['part_ms_p99'] : []),
    ...(toNginx < GOALS.toNginx ? ['to_nginx'] : []),
    ...(rssMax > GOALS.rssMb ? ['rss_mb_max'] : []),
    ...(ours.report.failures + ours.report.behind > 0 ? ['failures'] : []),
  ];
  return {
    viewers: ours.report.viewers,
    part_ms_p99: round(p99),
    part_ms_p50: round(percentile(ours.report.partMs, 0.5)),
    part_ms: round(PART_MS),
    to_nginx: round(toNginx, 3),
    rss_mb_max: Math.round(rssMax),
    mb_per_cpu_s: Math.round(perCpu(ours) / 1e6),
    nginx_mb_per_cpu_s: Math.round(perCpu(nginx) / 1e6),
    server_percent: round((100 * ours.cpuSeconds) / options.seconds),
    nginx_percent: round((100 * nginx.cpuSeconds) / options.seconds),
    generator_percent: round(ours.generatorPercent),
    answers: ours.report.answers,
    failures: ours.report.failures,
    behind: ours.report.behind,
    seconds: options.seconds,
    parked: options.parked,
    missed,
    pass: missed.length === 0,
  };
}

class Generator {
  readonly #child = fork(join(import.meta.dirname, 'viewers/generator.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  send(message: ToGenerator): void {
    this.#child.send(message);
  }

  /** Resolves with the first `answer` after `message`. */
  async ask<T extends FromGenerator['type']>(
    message: ToGenerator,
    answer: T,
  ): Promise<Extract<FromGenerator, { type: T }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<FromGenerator, { type: T }>>();
    const hear = (heard: FromGenerator) => {
      if (heard.type === answer) resolve(heard as Extract<FromGenerator, { type: T }>);
    };
    const ended = (code: number | null) => reject(new Error(`the generator ended with ${code}`));
    this.#child.on('message', hear);
    this.#child.once('exit', ended);
    this.send(message);
    return promise.finally(() => {
      this.#child.off('message', hear);
      this.#child.off('exit', ended);
    });
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
