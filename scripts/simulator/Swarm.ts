import { assertUnreachable } from '../../src/common/assert.ts';
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import { CaptureClock } from './CaptureClock.ts';
import { ClipStore } from './clip/ClipStore.ts';
import type { VideoCodec } from './clip/makeClip.ts';
import { type PeerCounters, SimulatedPeer } from './SimulatedPeer.ts';
import { peersAtStart, type Step } from './script.ts';

export interface SwarmOptions {
  url: string;
  /** How many peers there are, script included. */
  peers: number;
  /** So many of them join at the start; default: all that the script does not let join later. */
  present?: number;
  /** A join token for a peer; asked for each time that one joins. */
  token: (number: number) => Promise<string>;
  codec?: VideoCodec;
  consume?: boolean;
  /** Share of the peers' packets that get lost on their way to the server, 0 to 1. */
  loss?: number;
  script?: readonly Step[];
  clips?: ClipStore;
  clock?: CaptureClock;
}

export interface SwarmEvents {
  /** A clip is being made. */
  making: [clip: number];
  joined: [peer: SimulatedPeer];
  /** A peer's first RTP packet leaves, wall clock in ms. */
  sending: [number: number, sentMs: number];
  /** A step of the script begins. */
  doing: [step: Step];
  /** A step of the script was done. */
  did: [step: Step];
  failed: [number: number, error: Error];
  left: [number: number, reason: string];
}

/** Connects of WebRTC at the same time: each costs some 150 ms of CPU. */
const JOINS_AT_ONCE = 4;

/** Many simulated peers in one process: they share clips, clock and timer. */
export class Swarm extends TypedEmitter<SwarmEvents> {
  readonly clock: CaptureClock;
  readonly #options: SwarmOptions;
  readonly #clips: ClipStore;
  readonly #ownsClips: boolean;
  readonly #peers = new Map<number, SimulatedPeer>();
  /** What peers that are gone have counted. */
  readonly #gone: { number: number; counters: PeerCounters }[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: SwarmOptions) {
    super();
    this.#options = options;
    this.clock = options.clock ?? new CaptureClock();
    this.#ownsClips = options.clips === undefined;
    this.#clips = options.clips ?? new ClipStore({ onMake: (clip) => this.emit('making', clip) });
  }

  /** Those who are there now, by number. */
  get peers(): SimulatedPeer[] {
    return [...this.#peers.values()].sort((a, b) => a.number - b.number);
  }

  peer(number: number): SimulatedPeer | undefined {
    return this.#peers.get(number);
  }

  /** Makes the clips that are missing, lets everybody join who is there from the start, and then starts the script. Rejects when one cannot join. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error(`the swarm is ${this.#state}`);
    this.#state = 'running';
    const { peers, present = peers, codec = 'vp8', script = [] } = this.#options;
    await Promise.all(Array.from({ length: peers }, (_, i) => this.#clips.get(i, codec)));
    const waiting = peersAtStart(present, script);
    const joinNext = async (): Promise<void> => {
      for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) await this.join(number);
    };
    await Promise.all(Array.from({ length: JOINS_AT_ONCE }, joinNext));
    for (const step of script) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        void this.do(step);
      }, step.at * 1000);
      this.#timers.add(timer);
    }
  }

  async join(number: number): Promise<SimulatedPeer> {
    if (this.#state !== 'running') throw new Error(`the swarm is ${this.#state}`);
    if (this.#peers.has(number)) throw new Error(`peer ${number} is there already`);
    const { url, codec = 'vp8', consume = false, loss = 0 } = this.#options;
    const token = await this.#options.token(number);
    const peer = new SimulatedPeer({
      ...{ url, token, number, codec, consume, loss },
      clips: this.#clips,
      clock: this.clock,
      name: `Peer ${number}`,
    });
    this.#peers.set(number, peer);
    peer.on('failed', (error) => this.emit('failed', number, error));
    peer.on('sending', (sentMs) => this.emit('sending', number, sentMs));
    peer.on('left', (reason) => this.emit('left', number, reason));
    peer.once('closed', () => {
      this.#peers.delete(number);
      this.#gone.push({ number, counters: peer.counters() });
    });
    await peer.start();
    this.emit('joined', peer);
    return peer;
  }

  /** A step at once, whatever its `at`. Never rejects: `failed` tells. */
  async do(step: Step): Promise<void> {
    try {
      this.emit('doing', step);
      await this.#act(step);
      this.emit('did', step);
    } catch (error) {
      if (this.#state === 'running') this.emit('failed', step.peer, error as Error);
    }
  }

  async #act(step: Step): Promise<void> {
    if (step.do === 'join') {
      await this.join(step.peer);
      return;
    }
    const peer = this.#peers.get(step.peer);
    if (!peer) throw new Error(`peer ${step.peer} is not there to ${step.do}`);
    switch (step.do) {
      case 'leave':
        return peer.leave();
      case 'drop':
        return peer.close();
      case 'mute':
      case 'unmute':
        return peer.setMuted(step.do === 'mute');
      case 'camera-off':
      case 'camera-on':
        return peer.setCameraOff(step.do === 'camera-off');
      case 'speak':
      case 'hush':
        return peer.setSpeaking(step.do === 'speak');
      default:
        return assertUnreachable(step.do);
    }
  }

  /** Of all who are or were there, by number. */
  counters(): { number: number; counters: PeerCounters }[] {
    const present = this.peers.map((peer) => ({ number: peer.number, counters: peer.counters() }));
    return [...this.#gone, ...present].sort((a, b) => a.number - b.number);
  }

  /** Everybody says goodbye. Idempotent. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    if (this.#ownsClips) this.#clips.close();
    await Promise.all(this.peers.map((peer) => peer.leave()));
  }
}
