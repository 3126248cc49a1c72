/**
 * Puts init segments and parts to a delivery node (interface 4). In: RenditionWriter's parts; out: HTTP PUT, one after the
 * other for each rendition, renditions side by side, over kept connections.
 *
 * Drop policy. A part is tried again while it is fresh (`FRESH_MS` after its end on the grid); at most `MAX_QUEUED` wait
 * for each rendition, the oldest goes. What delivery refuses for good is dropped: `not-taken` is normal for a
 * compositor in the shadow; `stale-fence` ends this compositor.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../src/common/logger.ts';
import { Secret } from '../../src/common/Secret.ts';
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import { ErrorAnswer } from '../../src/contracts/api.ts';
import type { RenditionId } from '../../src/contracts/ids.ts';
import type { Job } from '../../src/contracts/job.ts';
import { COMPOSITOR_HEADER, FENCE_HEADER } from '../../src/contracts/program.ts';
import type { ProgramClock } from '../types.ts';
import type { PartSink, ProgramPart } from './PartSink.ts';
import { PutClient } from './PutClient.ts';

/** Beyond this after its end on the grid no player can use a part any more, ms. */
const FRESH_MS = 4000;
/** Parts of one rendition: twice FRESH_MS at 1/3 s. */
const MAX_QUEUED = 24;
/** One request, ms: a part is 100 kB, and delivery is near. */
const REQUEST_TIMEOUT_MS = 2000;
/** Init and slate are needed before anything else: they are tried for this long, ms. */
const PREFACE_TIMEOUT_MS = 10_000;
/** A broadcast is moved from one delivery node to another, or back; older ones have long got what was theirs. */
const MAX_TARGETS = 4;
/** Between tries, ms; the last one repeats. */
const BACKOFF_MS = [20, 50, 100, 200, 400] as const;

export interface DeliverySinkEvents {
  /** Delivery refused our fence: a newer owner exists. */
  fenced: [];
  /** Delivery takes the segment from another compositor. */
  notTaken: [];
  /** Delivery refused something that a retry cannot mend. */
  refused: [code: string];
}

type Verdict = 'done' | 'retry' | { refused: string };

interface Target {
  base: string;
  /** The first segment that goes there. */
  from: number;
  token: Secret;
  headers: Record<string, string>;
}

interface Queue {
  parts: ProgramPart[];
  running: Promise<void> | null;
}

export class DeliverySink extends TypedEmitter<DeliverySinkEvents> implements PartSink {
  readonly #clock: ProgramClock;
  readonly #logger: Logger;
  readonly #queues = new Map<RenditionId, Queue>();
  readonly #abort = new AbortController();
  readonly #client = new PutClient(REQUEST_TIMEOUT_MS);
  /** Init segments and slates by path: delivery may have lost them with its disk. */
  readonly #preface = new Map<string, Buffer>();
  #target: Target;
  /** Where segments before `#target.from` go, the newest last: the broadcast is being moved from one delivery node to another. */
  #before: readonly Target[] = [];
  #closed = false;
  #dropped = 0;
  #latenciesMs: number[] = [];
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(job: Job, clock: ProgramClock, logger: Logger) {
    super();
    this.#clock = clock;
    this.#logger = logger;
    this.#target = targetOf(job);
  }

  /** Parts that were given up since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A new job may name another place, token or fence. */
  update(job: Job): void {
    const next = targetOf(job);
    if (next.base !== this.#target.base) {
      // A move that came to nothing has nothing of what goes back: not even what is being made now.
      const before = [...this.#before, this.#target].filter(({ from }) => from < next.from);
      this.#before = before.slice(-MAX_TARGETS);
    }
    this.#target = next;
  }

  #targetOf(segment: number): Target {
    if (segment >= this.#target.from) return this.#target;
    return this.#before.findLast(({ from }) => segment >= from) ?? this.#before[0] ?? this.#target;
  }

  /** From each part's end on the grid to its 2xx, ms, since the last call. */
  takeLatencies(): number[] {
    return this.#latenciesMs.splice(0);
  }

  putInit(rendition: RenditionId, init: Buffer): Promise<void> {
    return this.#putOnce(`${rendition}/init`, init);
  }

  putSlate(rendition: RenditionId, slate: Buffer): Promise<void> {
    return this.#putOnce(`${rendition}/slate`, slate);
  }

  /** What every broadcast needs once: tried until it is taken, refused, or too late. */
  async #putOnce(path: string, data: Buffer): Promise<void> {
    this.#preface.set(path, data);
    const until = performance.now() + PREFACE_TIMEOUT_MS;
    for (let attempt = 0; ; attempt++) {
      const verdict = await this.#put(path, data);
      if (verdict === 'done') return;
      if (typeof verdict === 'object') throw new Error(`delivery refused ${path}: ${verdict.refused}`);
      if (this.#closed || performance.now() > until) throw new Error(`delivery does not take ${path}`);
      await this.#backoff(attempt);
    }
  }

  putPart(part: ProgramPart): void {
    if (this.#closed) return;
    const queue = this.#queues.get(part.rendition) ?? { parts: [], running: null };
    this.#queues.set(part.rendition, queue);
    queue.parts.push(part);
    while (queue.parts.length > MAX_QUEUED) {
      queue.parts.shift();
      this.#drop('too many parts wait for delivery');
    }
    this.#pump(queue);
  }

  /** Resolves when every part is delivered or given up, at the latest after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    const limit = new AbortController();
    const all = Promise.all([...this.#queues.values()].map((queue) => queue.running));
    await Promise.race([all, sleep(timeoutMs, undefined, { signal: limit.signal }).catch(() => undefined)]);
    limit.abort();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const queue of this.#queues.values()) queue.parts = [];
    this.#abort.abort();
    this.#client.close();
  }

  /** Parts of a rendition must arrive in order, so one runner at a time empties its queue. */
  #pump(queue: Queue): void {
    queue.running ??= this.#run(queue).finally(() => {
      queue.running = null;
      if (queue.parts.length > 0) this.#pump(queue);
    });
  }

  async #run(queue: Queue): Promise<void> {
    for (let part = queue.parts.shift(); part; part = queue.parts.shift()) await this.#deliver(part);
  }

  async #deliver({ rendition, segment, part, data, endMs }: ProgramPart): Promise<void> {
    for (let attempt = 0; !this.#closed; attempt++) {
      const verdict = await this.#put(`${rendition}/${segment}/${part}`, data, this.#targetOf(segment));
      if (verdict === 'done') {
        this.#latenciesMs.push(this.#clock.nowMs() - endMs);
        return;
      }
      if (typeof verdict === 'object') {
        if (verdict.refused === 'init-mismatch' && attempt === 0 && (await this.#putAgain(rendition))) continue;
        if (verdict.refused !== 'not-taken') this.#drop(`delivery refused a part: ${verdict.refused}`);
        return;
      }
      if (this.#clock.nowMs() > endMs + FRESH_MS) break;
      await this.#backoff(attempt);
    }
    this.#drop('a part could not be delivered in time');
  }

  /** A delivery node that knows nothing of the broadcast any more wants the init segment first. False: it has another one. */
  async #putAgain(rendition: RenditionId): Promise<boolean> {
    for (const path of [`${rendition}/init`, `${rendition}/slate`]) {
      const data = this.#preface.get(path);
      if (data && (await this.#put(path, data)) !== 'done' && path.endsWith('init')) return false;
    }
    this.#logger.info({ rendition }, 'delivery had lost the init segment and has it again');
    return true;
  }

  async #put(path: string, data: Buffer, target = this.#target): Promise<Verdict> {
    const { base, token, headers } = target;
    try {
      const authorization = `Bearer ${token.reveal()}`;
      const { status, text } = await this.#client.put(`${base}/${path}`, { ...headers, authorization }, data);
      if (status >= 200 && status < 300) return 'done';
      return this.#judge(status, text);
    } catch (error) {
      if (!this.#closed) this.#warn({ err: error }, 'delivery cannot be reached');
      return 'retry';
    }
  }

  #judge(status: number, text: string): Verdict {
    const code = errorCodeOf(text) ?? String(status);
    // Not there yet, overloaded or restarting: it may be by the next try.
    if (status === 404 || status === 408 || status === 425 || status === 429 || status >= 500) {
      this.#warn({ status, code }, 'delivery does not take it now');
      return 'retry';
    }
    if (code === 'stale-fence') this.emit('fenced');
    else if (code === 'not-taken') this.emit('notTaken');
    else {
      this.#warn({ status, code }, 'delivery refused');
      this.emit('refused', code);
    }
    return { refused: code };
  }

  async #backoff(attempt: number): Promise<void> {
    const ms = BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)];
    await sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  #drop(reason: string): void {
    this.#dropped += 1;
    this.#warn({ reason, dropped: this.#dropped }, 'part dropped');
  }

  #warn(fields: object, message: string): void {
    const now = performance.now();
    if (now - this.#warnedAt < 1000) return;
    this.#warnedAt = now;
    this.#logger.warn(fields, message);
  }
}

function targetOf(job: Job): Target {
  return {
    from: job.deliveryFrom,
    base: `${job.deliveryUrl}/program/${job.broadcast}`,
    token: new Secret(job.token),
    headers: {
      [FENCE_HEADER]: String(job.fence),
      [COMPOSITOR_HEADER]: job.compositor,
      'content-type': 'application/octet-stream',
    },
  };
}

/** The `code` of an error answer, when it is one. */
function errorCodeOf(text: string): string | undefined {
  try {
    return ErrorAnswer.parse(JSON.parse(text)).error.code;
  } catch {
    return undefined;
  }
}
