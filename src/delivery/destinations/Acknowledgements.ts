/**
 * What an RTMP server says that it has read. Its kernel acknowledges megabytes on behalf of a program that hangs; the program's own Acknowledgements
 * (Adobe's RTMP specification section 5.4.3) tell of the program. It is asked for them at a small interval once it has answered `connect`, since the usual
 * one is 2.5 MB, 8 s of media. A server that keeps to its own interval is not judged by it.
 */
import { MESSAGE, RtmpReader, windowSizeMessage } from './RtmpReader.ts';

/** Acknowledgements that are farther apart than the interval and this are not those that were asked for, bytes: a server may read much at once. */
const TOLERANCE_BYTES = 256 * 1024;
/** After so many that came as they were asked for, they are believed. */
const TRIAL = 3;

export class Acknowledgements {
  readonly #server = new RtmpReader();
  #client: RtmpReader | undefined = new RtmpReader();
  /** Everything that was sent on the connection, the handshake and our own message too. */
  #sent = 0;
  #interval = 0;
  #newest: number | undefined;
  /** How many have come as they were asked for; the first that does not ends it. */
  #good = 0;

  /** Bytes that were sent and are not known to be read; undefined when the server does not tell, or not as it was asked to. */
  get unread(): number | undefined {
    if (this.#good < TRIAL || this.#newest === undefined || this.#server.lost) return undefined;
    return distance(this.#newest, this.#sent);
  }

  /** So many bytes may be unread though all is well, bytes. */
  get interval(): number {
    return this.#interval;
  }

  /** ffmpeg has sent this. */
  sent(bytes: Buffer): void {
    this.#sent += bytes.length;
    this.#client?.push(bytes);
  }

  /** The server has sent this; answers what is to be sent to it now. */
  received(bytes: Buffer, interval: number): Buffer | undefined {
    let answer: Buffer | undefined;
    for (const { type, payload } of this.#server.push(bytes)) {
      if (type === MESSAGE.ACKNOWLEDGEMENT && payload.length >= 4) this.#acknowledged(payload.readUInt32BE(0));
      if (type === MESSAGE.COMMAND && this.#client) answer = this.#ask(interval);
    }
    return answer;
  }

  /** `connect` is answered. ffmpeg waits for that, so its messages are all whole; if not, its next answer comes soon. */
  #ask(interval: number): Buffer | undefined {
    if (this.#client?.lost) this.#client = undefined;
    if (!this.#client?.atBoundary) return undefined;
    this.#client = undefined;
    this.#interval = interval;
    const message = windowSizeMessage(interval);
    this.#sent += message.length;
    return message;
  }

  #acknowledged(sequence: number): void {
    if (this.#interval === 0) return;
    const step = distance(this.#newest ?? 0, sequence);
    const ahead = distance(this.#sent, sequence) > 0 && distance(sequence, this.#sent) > 2 ** 31;
    const asAsked = !ahead && step > 0 && step <= this.#interval + TOLERANCE_BYTES;
    if (asAsked) this.#good += 1;
    else this.#good = Number.NEGATIVE_INFINITY;
    this.#newest = sequence;
  }
}

/** Sequence numbers are 32 bits and wrap. */
const distance = (from: number, to: number): number => (to - from) >>> 0;
