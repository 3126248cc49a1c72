/**
 * The program's way back into its room, for who looks at it and listens to it there. In: the encoder's packets, the mixes of compose/MixMinus.ts and
 * the controller's `return` orders; out: RTP and sender reports by the ingest's socket, on the connection that the sources come in by. Pictures are
 * those that viewers get, encoded once; only what is ordered is packed, mixed and encoded at all.
 *
 * A picture stream begins with a key frame, at the latest one segment after it was ordered; nobody can ask for one, since the program's key frames
 * stand on its grid. What the SFU has lost it gets again.
 *
 * Timestamps: those of the program (ReturnStream.ts). Frame n has n / fps, sound its program sample: both are labelled by the one grid.
 */
import type { CodecParameters, Packet } from 'node-av';
import type { Logger } from '../../src/common/logger.ts';
import type { PeerId } from '../../src/contracts/ids.ts';
import type { SrtpParameters } from '../../src/contracts/job.ts';
import { RETURN_SOUND_CLOCK, RETURN_VIDEO_CLOCK, type ReturnOrder } from '../../src/contracts/programReturn.ts';
import { MixMinus } from '../compose/MixMinus.ts';
import { SrtpSender } from '../ingest/SrtpSender.ts';
import type { ProgramClock } from '../types.ts';
import { BurstQueue } from './BurstQueue.ts';
import { h264Payloads, isIdr, nalUnits, parameterSets } from './h264Payloads.ts';
import { OpusMix } from './OpusMix.ts';
import type { ProgramTap } from './ProgramTap.ts';
import { ReturnStream } from './ReturnStream.ts';

/** An RTP payload: with headers, extensions that the SFU adds and SRTP's tag it fits into any path's 1,280 bytes. */
const MOST_PAYLOAD_BYTES = 1_150;
/** Between two sender reports: mediasoup trusts a stream's clock from the third on, ms. */
const REPORT_MS = 500;

/** Where it is sent: an ingest's socket. */
export interface ReturnPath {
  readonly srtpParameters: SrtpParameters;
  sendProtected(datagram: Buffer): void;
  sendReport(rtcp: Buffer): void;
}

interface Listening {
  stream: ReturnStream;
  encoder: OpusMix;
}

export interface ProgramReturnOptions {
  path: ReturnPath;
  clock: ProgramClock;
  logger: Logger;
}

export class ProgramReturn implements ProgramTap {
  readonly #path: ReturnPath;
  readonly #clock: ProgramClock;
  readonly #logger: Logger;
  readonly #srtp: SrtpSender;
  readonly #queue: BurstQueue;
  readonly #mixes = new Map<PeerId, MixMinus>();
  readonly #listening = new Map<PeerId, Listening>();
  #video: ReturnStream | null = null;
  /** A key frame was sent on the present picture stream. */
  #begun = false;
  #fps = 1;
  #sets: Buffer[] = [];
  /** Orders are carried out one after the other: opening an encoder takes time. */
  #working: Promise<void> = Promise.resolve();
  #reports: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ path, clock, logger }: ProgramReturnOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#logger = logger.child({ stage: 'return' });
    this.#srtp = new SrtpSender(path.srtpParameters);
    this.#queue = new BurstQueue((datagram) => path.sendProtected(datagram));
  }

  get listeners(): ReadonlyMap<PeerId, MixMinus> {
    return this.#mixes;
  }

  begin(fps: number, parameters: CodecParameters): void {
    this.#fps = fps;
    const { extradata } = parameters;
    this.#sets = parameterSets(nalUnits(Buffer.from(extradata ?? [])));
    parameters.free();
  }

  /** Exactly these streams from now on; those that are there already go on. */
  order(order: ReturnOrder): void {
    this.#working = this.#working
      .then(() => this.#follow(order))
      .catch((error: unknown) => this.#logger.error({ err: error }, 'the program could not be returned'));
  }

  video(packet: Packet): void {
    const stream = this.#video;
    const { data } = packet;
    if (!stream || !data) return;
    // Copied: the packet is freed, and the datagrams are made from views.
    const units = nalUnits(Buffer.from(data));
    if (!this.#begun && !isIdr(units)) return;
    this.#begun = true;
    const timestamp = Math.round((Number(packet.pts) * RETURN_VIDEO_CLOCK) / this.#fps);
    const own = parameterSets(units);
    const payloads = h264Payloads(units, own.length > 0 ? own : this.#sets, MOST_PAYLOAD_BYTES);
    for (const [i, payload] of payloads.entries()) stream.write(payload, timestamp, i === payloads.length - 1);
  }

  /** The SFU has not got these packets. */
  missed(ssrc: number, sequences: readonly number[]): void {
    for (const stream of this.#streams()) if (stream.ssrc === ssrc) stream.again(sequences);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#reports);
    this.#queue.close();
    this.#video = null;
    for (const peer of [...this.#listening.keys()]) this.#unhear(peer);
  }

  async #follow({ video, sounds }: ReturnOrder): Promise<void> {
    if (this.#closed) return;
    if (!video || !this.#video?.is(video)) {
      this.#begun = false;
      this.#video = video && this.#newStream({ ...video, clockRate: RETURN_VIDEO_CLOCK });
    }
    const wanted = new Map(sounds.map((sound) => [sound.peer, sound]));
    for (const [peer, { stream }] of [...this.#listening]) {
      const sound = wanted.get(peer);
      if (sound && stream.is(sound)) wanted.delete(peer);
      else this.#unhear(peer);
    }
    for (const [peer, sound] of wanted) await this.#hear(peer, sound);
    this.#logger.info({ video: this.#video !== null, listeners: this.#listening.size }, 'program returned to the room');
    clearInterval(this.#reports);
    if (this.#streams().length > 0) this.#reports = setInterval(() => this.#report(), REPORT_MS);
  }

  async #hear(peer: PeerId, { ssrc, payloadType }: ReturnOrder['sounds'][number]): Promise<void> {
    const stream = this.#newStream({ ssrc, payloadType, clockRate: RETURN_SOUND_CLOCK });
    const encoder = await OpusMix.create((packet, sample) => stream.write(packet, sample, false));
    if (this.#closed) {
      encoder.close();
      return;
    }
    this.#listening.set(peer, { stream, encoder });
    this.#mixes.set(peer, new MixMinus((at, samples) => encoder.write(at, samples)));
  }

  #unhear(peer: PeerId): void {
    this.#mixes.delete(peer);
    this.#listening.get(peer)?.encoder.close();
    this.#listening.delete(peer);
  }

  #newStream(wire: { ssrc: number; payloadType: number; clockRate: number }): ReturnStream {
    return new ReturnStream({ ...wire, srtp: this.#srtp, send: (datagram) => this.#queue.add(datagram) });
  }

  #streams(): ReturnStream[] {
    return [...(this.#video ? [this.#video] : []), ...[...this.#listening.values()].map(({ stream }) => stream)];
  }

  #report(): void {
    const programMs = this.#clock.nowMs();
    const wallMs = performance.timeOrigin + performance.now();
    for (const stream of this.#streams()) {
      const report = stream.report(programMs, wallMs);
      if (report) this.#path.sendReport(report);
    }
  }
}
