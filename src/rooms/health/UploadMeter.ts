/**
 * What arrives of one person, as mediasoup counts it. In: the person's producers, at each look. Out: an UploadReading; next: judge.ts.
 *
 * Counts are since a stream began, so that two looks give a rate. A stream of which the newest look is the first says nothing yet.
 */
import type { types as mediasoup } from 'mediasoup';
import type { SourceKind } from '../../contracts/ids.ts';
import type { SourceProducer } from '../../sfu/Endpoint.ts';
import { NOTHING_MS } from './thresholds.ts';

/** Loss is judged over at least this: a receiver report comes each second for video, each five for sound (mediasoup), ms. */
const WINDOW_MS = 6_000;
/** A layer with less is not sent: what is left are retransmissions and probes, bits a second. */
const SENT_BPS = 5_000;

export interface UploadReading {
  /** Bits a second, of all that it sends. */
  bitrate: number;
  lostPercent: number | null;
  jitterMs: number | null;
  rttMs: number | null;
  layers: { sent: number; of: number } | null;
  protocol: 'udp' | 'tcp' | null;
  /** Sources that are on and of which nothing comes. */
  missing: SourceKind[];
  /** A microphone is on. */
  microphone: boolean;
}

export const NOTHING: UploadReading = {
  ...{ bitrate: 0, lostPercent: null, jitterMs: null, rttMs: null, layers: null, protocol: null },
  ...{ missing: [], microphone: false },
};

/** What is taken of a stream's statistics. */
type Stream = Pick<
  mediasoup.ProducerStat,
  | 'ssrc'
  | 'rtxSsrc'
  | 'packetCount'
  | 'packetsLost'
  | 'packetsRepaired'
  | 'packetsRetransmitted'
  | 'byteCount'
  | 'bitrate'
  | 'jitter'
  | 'roundTripTime'
  | 'mimeType'
>;
export interface ReadProducer {
  id: string;
  source: SourceKind;
  paused: boolean;
  /** Simulcast layers that it is to send. */
  layers: number;
  streams: readonly Stream[];
}

interface Count {
  atMs: number;
  /** That came at the first attempt. */
  packets: number;
  lost: number;
}

export class UploadMeter {
  readonly #counts = new Map<string, Count[]>();
  /** Producers that are on: how much of each has come, and when it last was more. */
  readonly #flows = new Map<string, { bytes: number; movedAt: number }>();

  /** Asks the worker. A producer that closes meanwhile is passed over. */
  async look(
    producers: readonly SourceProducer[],
    protocol: UploadReading['protocol'],
    nowMs: number,
  ): Promise<UploadReading> {
    const read = await Promise.all(producers.map(readProducer));
    const there = read.filter((producer) => producer !== undefined);
    return this.reckon(there, protocol, nowMs);
  }

  reckon(producers: readonly ReadProducer[], protocol: UploadReading['protocol'], nowMs: number): UploadReading {
    const on = producers.filter(({ paused }) => !paused);
    const missing = on.filter((producer) => this.#stands(producer, nowMs)).map(({ source }) => source);
    this.#forgetOthers(on);
    const streams = on.flatMap((producer) => producer.streams);
    const camera = on.find(({ source }) => source === 'camera');
    const rtts = streams.flatMap(({ roundTripTime }) => (roundTripTime ? [roundTripTime] : []));
    return {
      bitrate: streams.reduce((sum, { bitrate }) => sum + bitrate, 0),
      lostPercent: this.#lostPercent(on, nowMs),
      jitterMs: jitterOf(on),
      rttMs: rtts.length > 0 ? Math.max(...rtts) : null,
      layers:
        camera && camera.layers > 1
          ? { sent: camera.streams.filter(({ bitrate }) => bitrate >= SENT_BPS).length, of: camera.layers }
          : null,
      protocol,
      missing,
      microphone: on.some(({ source }) => source === 'microphone'),
    };
  }

  #lostPercent(producers: readonly ReadProducer[], nowMs: number): number | null {
    let [lost, packets] = [0, 0];
    for (const { id, streams } of producers) {
      for (const stream of streams) {
        const key = `${id} ${stream.ssrc}`;
        const counts = this.#counts.get(key) ?? [];
        const now = countOf(stream, nowMs);
        counts.push(now);
        // The newest of those that are old enough stays as the beginning.
        while ((counts[1]?.atMs ?? nowMs) <= nowMs - WINDOW_MS) counts.shift();
        this.#counts.set(key, counts);
        const first = counts[0];
        if (!first || counts.length < 2) continue;
        lost += Math.max(0, now.lost - first.lost);
        packets += Math.max(0, now.packets - first.packets);
      }
    }
    return lost + packets > 0 ? (lost / (lost + packets)) * 100 : null;
  }

  /** It is on, and nothing of it has come for a while. */
  #stands({ id, source, streams }: ReadProducer, nowMs: number): boolean {
    const bytes = streams.reduce((sum, { byteCount }) => sum + byteCount, 0);
    const before = this.#flows.get(id);
    if (!before || bytes !== before.bytes) this.#flows.set(id, { bytes, movedAt: nowMs });
    // A screen on which nothing moves may be silent for long.
    const expected = source === 'camera' || source === 'microphone';
    return expected && before !== undefined && bytes === before.bytes && nowMs - before.movedAt >= NOTHING_MS;
  }

  #forgetOthers(producers: readonly ReadProducer[]): void {
    const ids = new Set(producers.map(({ id }) => id));
    for (const id of this.#flows.keys()) if (!ids.has(id)) this.#flows.delete(id);
    for (const key of this.#counts.keys()) if (!ids.has(key.split(' ')[0] ?? '')) this.#counts.delete(key);
  }
}

/**
 * What came at the first attempt, and what did not. mediasoup counts a packet that was sent again without RTX (RFC 4588) as if it had not been lost;
 * with RTX it counts it besides.
 */
const countOf = (stream: Stream, atMs: number): Count => ({
  atMs,
  packets: stream.packetCount - stream.packetsRetransmitted,
  lost: stream.packetsLost + (stream.rtxSsrc === undefined ? stream.packetsRepaired : 0),
});

async function readProducer(producer: SourceProducer): Promise<ReadProducer | undefined> {
  const { id, paused, appData } = producer;
  const layers = producer.rtpParameters.encodings?.length ?? 1;
  try {
    // A paused one is not judged: whoever is muted need not be asked for.
    const streams = paused ? [] : await producer.getStats();
    return { id, source: appData.source, paused, layers, streams };
  } catch {
    return undefined;
  }
}

/** Of the sound where there is some: the packets of a picture are sent over a while on purpose. */
function jitterOf(producers: readonly ReadProducer[]): number | null {
  const microphone = producers.find(({ source }) => source === 'microphone');
  const streams = (microphone ?? producers[0])?.streams ?? [];
  if (streams.length === 0) return null;
  return Math.max(...streams.map(({ jitter, mimeType }) => (jitter * 1000) / clockRateOf(mimeType)));
}

/** mediasoup gives jitter in ticks of the stream's clock. RFC 7587 section 4.1; video has 90 kHz. */
const clockRateOf = (mimeType: string): number => (mimeType.toLowerCase() === 'audio/opus' ? 48_000 : 90_000);
