import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../src/common/logger.ts';
import { raisePriority } from '../../src/common/raisePriority.ts';
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import type { CompositorEndReason, CompositorMessage, ControllerMessage } from '../../src/contracts/control.ts';
import { ChildMessage } from './childProtocol.ts';

/**
 * V8's young generation, MB: frames and packets are many small objects that die at once. Node 24 lets three spaces of 16 MB
 * fill up with them; with 2 MB a working compositor had about 35 MB less resident.
 */
const NODE_FLAGS = ['--max-semi-space-size=2'];
/**
 * glibc gives each thread a heap of its own, and what one has freed no other takes: 15 MB more with the pool's four threads. Media
 * buffers are pooled, so threads do not wait for each other at the one heap.
 */
const MEMORY_ENV = { MALLOC_ARENA_MAX: '1' };
/**
 * More threads than cores only take each other's caches: with two instead of libuv's four a room with four people cost 3 % less on two
 * cores. More than libuv's own number is not wanted either.
 */
const POOL_ENV = { UV_THREADPOOL_SIZE: String(Math.min(4, Math.max(2, availableParallelism()))) };

/** How long each step of a child's life may take, ms. */
export interface ChildLimits {
  /** From spawn to `warm`: loading the media libraries, seconds on a busy small machine. */
  warmMs: number;
  /** From `open` to `bound`: one UDP socket. */
  boundMs: number;
  /** From `bound` to the first job: the controller makes its transport and consumers. */
  jobMs: number;
  /** From the first job to `ready`: opening encoders and encoding one segment of slate. */
  readyMs: number;
  /** Between two `stats`, which are sent each second: the watchdog. */
  silenceMs: number;
  /** From `stop` to the end: the running part is encoded and put. Then SIGTERM. */
  stopMs: number;
  /** From SIGTERM, or from the child's own `ended`, to the end. Then SIGKILL. */
  termMs: number;
}

export const CHILD_LIMITS: ChildLimits = {
  warmMs: 30_000,
  boundMs: 10_000,
  jobMs: 30_000,
  readyMs: 20_000,
  silenceMs: 3_000,
  stopMs: 8_000,
  termMs: 2_000,
};

const STDERR_LINES = 100;
/** After a process ended, its pipes are read to their ends; a stuck one is not waited for longer than this, ms. */
const DRAIN_MS = 500;

/** Monotonic: a child only moves down this list. */
export const CHILD_STATES = ['spawning', 'warm', 'open', 'bound', 'running', 'stopping', 'ended'] as const;
export type ChildState = (typeof CHILD_STATES)[number];

export interface ChildEnd {
  reason: CompositorEndReason;
  lastSegment: number | null;
  /** A sentence for the controller's log. */
  message: string;
  /** CPU seconds of the process in all, when it could say so. */
  cpuSeconds?: number | undefined;
  /** The last lines that the process wrote to stderr. */
  stderr: string[];
}

interface ChildEvents {
  /** Its state moved. */
  state: [state: ChildState];
  /** Something for the controller; `ended` is never among them, it is this class's own event. */
  message: [message: Exclude<CompositorMessage, { type: 'ended' }>];
  /** Delivery takes its parts from another compositor. */
  notTaken: [];
  /** The process is gone. Once, the last event. */
  ended: [end: ChildEnd];
}

export interface ChildOptions {
  entry: string;
  env: Record<string, string>;
  limits: ChildLimits;
  logger: Logger;
}

/** One compositor process and its supervision: handshakes with time limits, a watchdog, and an end that is certain. */
export class CompositorChild extends TypedEmitter<ChildEvents> {
  readonly #process: ChildProcess;
  readonly #limits: ChildLimits;
  readonly #logger: Logger;
  readonly #stderr: string[] = [];
  /** Messages for a child that is not warm yet. */
  readonly #queue: ControllerMessage[] = [];
  #state: ChildState = 'spawning';
  #timer: NodeJS.Timeout | undefined;
  #jobSent = false;
  /** Why we end it; the first reason stays. */
  #reason: CompositorEndReason | undefined;
  /** We sent a signal: its exit says nothing about the child. */
  #signalled = false;
  #own: Omit<ChildEnd, 'stderr'> | undefined;

  private constructor(process: ChildProcess, { limits, logger }: ChildOptions) {
    super();
    this.#process = process;
    this.#limits = limits;
    this.#logger = logger.child({ pid: process.pid });
  }

  static spawn(options: ChildOptions): CompositorChild {
    // stdout is ours: the child's log lines go where ours go. Its stderr is for what it could not log.
    const process = spawn(globalThis.process.execPath, [...NODE_FLAGS, options.entry], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      serialization: 'json',
      env: { ...MEMORY_ENV, ...POOL_ENV, ...options.env },
    });
    const child = new CompositorChild(process, options);
    child.#watch();
    return child;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get state(): ChildState {
    return this.#state;
  }

  /** Gives the controller's message to the child; kept until the child is warm. */
  send(message: ControllerMessage): void {
    if (this.#is('stopping', 'ended')) return;
    if (message.type === 'stop') {
      this.stop('stopped', message.lastSegment);
      return;
    }
    if (message.type === 'open' && this.#state === 'warm') this.#opened();
    if (message.type === 'job' && !this.#jobSent) {
      this.#jobSent = true;
      if (this.#state === 'bound') this.#limit(this.#limits.readyMs, 'start-timeout');
    }
    if (this.#state === 'spawning') this.#queue.push(message);
    else this.#post(message);
  }

  /** By message, then SIGTERM, then SIGKILL. A child that was given nothing has nothing to finish and is killed at once. */
  stop(reason: 'stopped' | 'control-lost', lastSegment?: number): void {
    if (this.#is('stopping', 'ended')) return;
    if (this.#is('spawning', 'warm')) {
      this.kill(reason);
      return;
    }
    this.#reason ??= reason;
    this.#advance('stopping');
    this.#post({ type: 'stop', ...(lastSegment === undefined ? {} : { lastSegment }) });
    this.#after(this.#limits.stopMs, () => this.#terminate());
  }

  /** SIGKILL at once. */
  kill(reason: CompositorEndReason): void {
    if (this.#state === 'ended') return;
    clearTimeout(this.#timer);
    this.#reason ??= reason;
    this.#advance('stopping');
    this.#signal('SIGKILL');
  }

  #watch(): void {
    const { stderr } = this.#process;
    if (stderr) {
      createInterface({ input: stderr }).on('line', (line) => {
        this.#stderr.push(line);
        if (this.#stderr.length > STDERR_LINES) this.#stderr.shift();
      });
    }
    this.#process.on('message', (raw) => this.#receive(raw));
    // Without a channel it can be neither used nor asked to stop; it should be ending by itself.
    this.#process.on('disconnect', () => {
      if (this.#state !== 'ended') this.#after(this.#limits.termMs, () => this.#terminate());
    });
    this.#process.on('error', (error) => {
      this.#stderr.push(String(error));
      // Not spawned at all: there will be no `exit`.
      if (this.#process.pid === undefined) this.#end(null, null);
    });
    const closed = new Promise<void>((resolve) => this.#process.once('close', () => resolve()));
    const disconnected = new Promise<void>((resolve) => this.#process.once('disconnect', resolve));
    this.#process.once('exit', (code, signal) => {
      // Race: what the process said last may still be in its pipes when its end is known.
      const drained = Promise.all([closed, this.#process.connected ? disconnected : undefined]);
      Promise.race([drained, delay(DRAIN_MS)]).then(
        () => this.#end(code, signal),
        () => this.#end(code, signal),
      );
    });
    this.#limit(this.#limits.warmMs, 'start-timeout');
  }

  #receive(raw: unknown): void {
    const parsed = ChildMessage.safeParse(raw);
    if (!parsed.success) {
      this.#logger.warn({ issues: parsed.error.issues.slice(0, 3) }, 'compositor sent a malformed message');
      return;
    }
    const message = parsed.data;
    switch (message.type) {
      case 'warm':
        this.#warmed();
        return;
      case 'not-taken':
        this.emit('notTaken');
        return;
      case 'ended':
        this.#own = message;
        this.#advance('stopping');
        this.#after(this.#limits.termMs, () => this.#terminate());
        return;
      case 'bound':
        if (!this.#advance('bound')) break;
        this.#limit(this.#jobSent ? this.#limits.readyMs : this.#limits.jobMs, 'start-timeout');
        break;
      case 'ready':
        if (this.#advance('running')) this.#limit(this.#limits.silenceMs, 'unresponsive');
        break;
      case 'stats':
        if (this.#state === 'running') this.#limit(this.#limits.silenceMs, 'unresponsive');
        break;
      default:
    }
    if (this.#state !== 'ended') this.emit('message', message);
  }

  #warmed(): void {
    if (!this.#advance('warm')) return;
    if (this.pid !== undefined) raisePriority(this.pid);
    clearTimeout(this.#timer);
    for (const message of this.#queue.splice(0)) {
      if (message.type === 'open') this.#opened();
      this.#post(message);
    }
  }

  #opened(): void {
    this.#advance('open');
    this.#limit(this.#limits.boundMs, 'start-timeout');
  }

  #post(message: ControllerMessage): void {
    if (!this.#process.connected) return;
    this.#process.send(message, (error) => {
      if (error) this.#logger.debug({ err: error }, 'compositor did not take a message');
    });
  }

  /** Kills the child for `reason` unless another limit is set or its end comes before. */
  #limit(ms: number, reason: CompositorEndReason): void {
    this.#after(ms, () => {
      // After a stall of our own event loop the timer comes before the pipes: what the child said meanwhile is read first.
      const expired = this.#timer;
      setImmediate(() => {
        if (this.#timer === expired && !this.#is('stopping', 'ended')) this.kill(reason);
      });
    });
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  #terminate(): void {
    this.#signal('SIGTERM');
    this.#after(this.#limits.termMs, () => this.#signal('SIGKILL'));
  }

  #signal(signal: NodeJS.Signals): void {
    this.#signalled = true;
    this.#process.kill(signal);
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#advance('ended')) return;
    clearTimeout(this.#timer);
    const how = signal ? `signal ${signal}` : code === null ? 'it did not start' : `exit code ${code}`;
    const reason = this.#endReason(code, signal);
    const end: ChildEnd = {
      reason,
      lastSegment: this.#own?.lastSegment ?? null,
      message: this.#own?.message || how,
      cpuSeconds: this.#own?.cpuSeconds,
      stderr: [...this.#stderr],
    };
    this.emit('ended', end);
  }

  #endReason(code: number | null, signal: NodeJS.Signals | null): CompositorEndReason {
    if (this.#own && this.#own.reason !== 'stopped') return this.#own.reason;
    const fell = !this.#signalled && !this.#own && (code !== 0 || signal !== null);
    if (fell) return 'crashed';
    return this.#reason ?? this.#own?.reason ?? 'crashed';
  }

  #is(...states: ChildState[]): boolean {
    return states.includes(this.#state);
  }

  #advance(next: ChildState): boolean {
    if (CHILD_STATES.indexOf(next) <= CHILD_STATES.indexOf(this.#state)) return false;
    this.#logger.debug({ state: `${this.#state} -> ${next}` }, 'compositor process moved');
    this.#state = next;
    this.emit('state', next);
    return true;
  }
}
