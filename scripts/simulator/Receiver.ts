/** The receiving side of a simulated peer with `--consume`: takes every consumer's packets and counts them. */
import { RtcpReceiverInfo, RtcpRrPacket, type RtpPacket } from 'werift';
import type { NewConsumer } from '../../src/contracts/signaling.ts';
import type { MediaTransport } from './MediaTransport.ts';

const REPORT_MS = 1000;
/** Steps back by less than this are packets that came late (RFC 3550 appendix A.1's MAX_MISORDER). */
const MAX_MISORDER = 100;

export interface ReceivedStream {
  consumerId: string;
  peerId: string;
  kind: 'audio' | 'video';
  packets: number;
  bytes: number;
  /** Sequence numbers that never came. */
  lost: number;
}

interface Tracked extends ReceivedStream {
  ssrc: number;
  /** Extended highest sequence number (RFC 3550 section 6.4.1); −1 before the first packet. */
  highest: number;
  first: number;
}

export class Receiver {
  readonly #transport: MediaTransport;
  readonly #bySsrc = new Map<number, Tracked>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(transport: MediaTransport) {
    this.#transport = transport;
    transport.onRtp((packet) => this.#onRtp(packet));
    this.#timer = setInterval(() => this.#report(), REPORT_MS);
  }

  get transport(): MediaTransport {
    return this.#transport;
  }

  /** Before the consumer is resumed. */
  expect(consumer: NewConsumer): void {
    const encodings = (consumer.rtpParameters as { encodings?: { ssrc?: number }[] }).encodings;
    const ssrc = encodings?.[0]?.ssrc;
    if (ssrc === undefined || this.#closed) return;
    const { id: consumerId, peerId, kind } = consumer;
    this.#bySsrc.set(ssrc, { ssrc, consumerId, peerId, kind, packets: 0, bytes: 0, lost: 0, highest: -1, first: 0 });
  }

  drop(consumerId: string): void {
    for (const [ssrc, stream] of this.#bySsrc) if (stream.consumerId === consumerId) this.#bySsrc.delete(ssrc);
  }

  streams(): ReceivedStream[] {
    return [...this.#bySsrc.values()].map(({ consumerId, peerId, kind, packets, bytes, lost }) => ({
      ...{ consumerId, peerId, kind },
      ...{ packets, bytes, lost: Math.max(0, lost) },
    }));
  }

  #onRtp({ header, payload }: RtpPacket): void {
    const stream = this.#bySsrc.get(header.ssrc);
    if (!stream) return;
    stream.packets++;
    stream.bytes += payload.length;
    if (stream.highest < 0) {
      stream.highest = header.sequenceNumber;
      stream.first = stream.highest;
    } else {
      const step = (header.sequenceNumber - stream.highest) & 0xffff;
      if (step < 0x10000 - MAX_MISORDER) stream.highest += step;
    }
    stream.lost = stream.highest - stream.first + 1 - stream.packets;
  }

  #report(): void {
    const reports = [...this.#bySsrc.values()]
      .filter((stream) => stream.highest >= 0)
      .map(
        (stream) =>
          new RtcpReceiverInfo({
            ssrc: stream.ssrc,
            fractionLost: 0,
            packetsLost: Math.max(0, stream.lost),
            highestSequence: stream.highest % 2 ** 32,
            jitter: 0,
            lsr: 0,
            dlsr: 0,
          }),
      );
    // A compound holds at most 31 report blocks (RFC 3550 section 6.4.2).
    for (let i = 0; i < reports.length; i += 31) {
      this.#transport.sendRtcp([new RtcpRrPacket({ ssrc: 1, reports: reports.slice(i, i + 31) })]);
    }
  }

  /** Idempotent; closes the transport. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#transport.close();
  }
}
