/** Sends RTP streams in real time into a mediasoup PlainTransport (comedia, no SRTP), with sender reports; answers PLI and NACK. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { rtp, senderReport } from './packetize.ts';

export interface StreamDefinition {
  ssrc: number;
  payloadType: number;
  clockRate: number;
  /** Between two frames, ms. */
  frameMs: number;
  /** From a frame's timestamp to its sending, ms: sound is sent when its last sample is there. Default 0. */
  lengthMs?: number;
  firstSequence: number;
  firstTimestamp: number;
  /** From a sender report to the next one, ms. Default 500. */
  reportMs?: () => number;
  /** Payloads of frame `n`; `wantsKey`: a key frame was asked for since the last one. */
  frame(n: number, wantsKey: boolean): Buffer[];
}

interface Running {
  definition: StreamDefinition;
  n: number;
  sequence: number;
  packets: number;
  octets: number;
  wantsKey: boolean;
  /** When its next sender report is due, ms since the start. */
  reportAtMs: number;
  /** The newest packets, by sequence number modulo HISTORY, and when they were sent, ms. */
  history: { packet: Buffer; sentMs: number }[];
}

/** Packets kept for a NACK, and for how long, as libwebrtc does (`RtpPacketHistory`), ms. */
const HISTORY = 2_048;
const HISTORY_MS = 1_000;
const REPORT_MS = 500;

export class RtpStreamer {
  /** Wall-clock ms of frame 0 of every stream. */
  startedUnixMs = 0;
  /** PLIs and FIRs, by SSRC. */
  readonly keyFrameRequests = new Map<number, number>();
  readonly #socket: Socket;
  readonly #streams: Running[] = [];
  readonly #remote: { ip: string; port: number };
  #timer: NodeJS.Timeout | null = null;

  private constructor(socket: Socket, remote: { ip: string; port: number }) {
    this.#socket = socket;
    this.#remote = remote;
    socket.on('message', (message) => this.#received(message));
  }

  static async create(remote: { ip: string; port: number }): Promise<RtpStreamer> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RtpStreamer(socket, remote);
  }

  add(definition: StreamDefinition): void {
    this.#streams.push({
      definition,
      n: 0,
      sequence: definition.firstSequence,
      packets: 0,
      octets: 0,
      wantsKey: false,
      reportAtMs: 0,
      history: [],
    });
  }

  start(): void {
    this.startedUnixMs = now();
    this.#timer = setInterval(() => this.#tick(), 5);
    this.#tick();
  }

  /** Nothing more of this stream, not even reports, as when a browser stops a layer. */
  stop(ssrc: number): void {
    const at = this.#streams.findIndex((s) => s.definition.ssrc === ssrc);
    if (at >= 0) this.#streams.splice(at, 1);
  }

  /** How many frames of a stream were sent. */
  sent(ssrc: number): number {
    return this.#streams.find((s) => s.definition.ssrc === ssrc)?.n ?? 0;
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#socket.close();
  }

  #tick(): void {
    const elapsedMs = now() - this.startedUnixMs;
    for (let next = this.#due(elapsedMs); next; next = this.#due(elapsedMs)) this.#sendFrame(next);
    for (const stream of this.#streams) {
      if (elapsedMs < stream.reportAtMs) continue;
      stream.reportAtMs = elapsedMs + (stream.definition.reportMs?.() ?? REPORT_MS);
      this.#report(stream);
    }
  }

  /**
   * Picture by picture, all layers of one before the next, as a browser sends them: also after this process stood still. Else one layer would
   * be ahead of another by what is caught up, and a switch between them would go back in time.
   */
  #due(elapsedMs: number): Running | undefined {
    const dueMs = ({ n, definition }: Running) => n * definition.frameMs + (definition.lengthMs ?? 0);
    let first: Running | undefined;
    for (const stream of this.#streams) {
      if (dueMs(stream) <= elapsedMs && (!first || dueMs(stream) < dueMs(first))) first = stream;
    }
    return first;
  }

  #report({ definition, packets, octets }: Running): void {
    const unixMs = now();
    const timestamp =
      definition.firstTimestamp + Math.round(((unixMs - this.startedUnixMs) * definition.clockRate) / 1000);
    this.#send(senderReport({ ssrc: definition.ssrc, unixMs, timestamp, packets, octets }));
  }

  #sendFrame(stream: Running): void {
    const { definition } = stream;
    const timestamp =
      definition.firstTimestamp + Math.round((stream.n * definition.frameMs * definition.clockRate) / 1000);
    const payloads = definition.frame(stream.n, stream.wantsKey);
    stream.wantsKey = false;
    stream.n++;
    for (const [i, payload] of payloads.entries()) {
      const marker = i === payloads.length - 1;
      const { payloadType, ssrc } = definition;
      const sequence = stream.sequence++ & 0xffff;
      const packet = rtp({ payloadType, sequence, timestamp, ssrc, marker }, payload);
      stream.history[sequence % HISTORY] = { packet, sentMs: now() };
      this.#send(packet);
      stream.packets++;
      stream.octets += payload.length;
    }
  }

  #send(packet: Buffer): void {
    this.#socket.send(packet, this.#remote.port, this.#remote.ip);
  }

  #received(message: Buffer): void {
    for (let at = 0; at + 12 <= message.length; at += 4 + 4 * message.readUInt16BE(at + 2)) {
      const stream = this.#streams.find((s) => s.definition.ssrc === message.readUInt32BE(at + 8));
      if (!stream || ((message[at] ?? 0) & 0x1f) !== 1) continue;
      if (message[at + 1] === 205)
        this.#resend(stream, message.subarray(at + 12, at + 4 + 4 * message.readUInt16BE(at + 2)));
      if (message[at + 1] !== 206) continue;
      stream.wantsKey = true;
      this.keyFrameRequests.set(stream.definition.ssrc, (this.keyFrameRequests.get(stream.definition.ssrc) ?? 0) + 1);
    }
  }

  #resend(stream: Running, entries: Buffer): void {
    for (let at = 0; at + 4 <= entries.length; at += 4) {
      const mask = (entries.readUInt16BE(at + 2) << 1) | 1;
      for (let bit = 0; bit <= 16; bit++) {
        const kept = stream.history[((entries.readUInt16BE(at) + bit) & 0xffff) % HISTORY];
        if (kept && mask & (1 << bit) && now() - kept.sentMs < HISTORY_MS) this.#send(kept.packet);
      }
    }
  }
}

const now = (): number => performance.timeOrigin + performance.now();
