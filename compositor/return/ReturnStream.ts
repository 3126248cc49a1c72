/**
 * One RTP stream that goes back to the SFU. In: payloads with their timestamps; out: SRTP datagrams, each kept for a while for who has lost it, and
 * sender reports.
 *
 * Timestamps: program time in the stream's clock, 32 bits, without an offset: SRTP hides them. A sender report says the same of program time
 * and wall clock for all streams, so picture and sound fit each other wherever they come together.
 */
import { randomBytes } from 'node:crypto';
import type { ReturnStream as Wire } from '../../src/contracts/programReturn.ts';
import { senderReport } from '../ingest/rtcp.ts';
import { RTP_HEADER_BYTES } from '../ingest/rtpPacket.ts';
import type { SrtpSender } from '../ingest/SrtpSender.ts';
import { PacketHistory } from './PacketHistory.ts';

/** Packets that can be asked for again: 1.5 s of a program of 4 Mbit/s, 10 s of sound. */
const KEPT = 512;

export interface ReturnStreamOptions extends Wire {
  clockRate: number;
  srtp: SrtpSender;
  /** RTP, to be sent in order. */
  send: (datagram: Buffer) => void;
}

export class ReturnStream {
  readonly #options: ReturnStreamOptions;
  readonly #history = new PacketHistory(KEPT);
  /** 48 bits: rollovers and sequence number (RFC 3711 section 3.3.1). It begins in the lower half, so that none is guessed wrong. */
  #index = randomBytes(2).readUInt16BE() >>> 1;
  #packets = 0;
  #octets = 0;

  constructor(options: ReturnStreamOptions) {
    this.#options = options;
  }

  get ssrc(): number {
    return this.#options.ssrc;
  }

  /** Whether it is this one that the SFU means. */
  is({ ssrc, payloadType }: Wire): boolean {
    return ssrc === this.#options.ssrc && payloadType === this.#options.payloadType;
  }

  /** One packet; `programMs` becomes its timestamp. `last`: of its picture. */
  write(payload: Buffer, timestamp: number, last: boolean): void {
    const { ssrc, payloadType, srtp, send } = this.#options;
    const sequence = this.#index % 0x10000;
    const packet = Buffer.alloc(RTP_HEADER_BYTES + payload.length);
    packet[0] = 0x80;
    packet[1] = (last ? 0x80 : 0) | payloadType;
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(timestamp % 2 ** 32, 4);
    packet.writeUInt32BE(ssrc, 8);
    payload.copy(packet, RTP_HEADER_BYTES);
    const datagram = srtp.protect(packet, Math.floor(this.#index / 0x10000));
    this.#index++;
    this.#packets++;
    this.#octets += payload.length;
    this.#history.add(sequence, datagram);
    send(datagram);
  }

  /** The same datagram once more, as far as it is still there (RFC 4588 section 1: on the same stream, since no RTX was agreed on). */
  again(sequences: readonly number[]): void {
    for (const sequence of sequences) {
      const datagram = this.#history.get(sequence);
      if (datagram) this.#options.send(datagram);
    }
  }

  /** `programMs` is the program time at `wallMs`, ms since 1970. null: nothing was sent yet. */
  report(programMs: number, wallMs: number): Buffer | null {
    if (this.#packets === 0) return null;
    const { ssrc, clockRate } = this.#options;
    return senderReport({
      ...{ ssrc, ntpMs: wallMs, rtpTimestamp: Math.round((programMs * clockRate) / 1000) % 2 ** 32 },
      ...{ packets: this.#packets, octets: this.#octets },
    });
  }
}
