/** What a network test found, in sentences: what will happen, and what can be done about it. Pure. */
import type { NetworkWay } from '../../../../src/contracts/signaling.ts';
import type { DoorTextKey } from '../../doorTexts.ts';
import { sentHeight } from './sending.ts';

/** A way that was tried. */
export interface Reach {
  reached: boolean;
  /** There and back, ms. */
  rttMs?: number;
}

export interface Findings {
  /** Without `relay` the server names no TURN server, or there was no need for it. */
  ways: Partial<Record<NetworkWay, Reach>>;
  /** What got through, bits a second; null: it could not be measured. */
  uploadBps: number | null;
  /** The test sent no faster than this, bits a second. */
  limitBps: number;
  /** Where the media server listens, `address:port`, for whoever opens a firewall. */
  servers: readonly string[];
}

export interface Sentence {
  key: DoorTextKey;
  values?: Record<string, string | number>;
}

export interface Verdict {
  /** `fair`: it works, not at its best. `bad`: it does not. */
  level: 'good' | 'fair' | 'bad';
  /** The way that media goes; null: none. */
  way: NetworkWay | null;
  sentences: Sentence[];
}

/** From here on people talk over each other (ITU-T G.114 has 150 ms one way), ms there and back. */
const LATE_MS = 300;

/** The way that ICE will take: the one with the least delay. */
export function bestWay({ ways }: Pick<Findings, 'ways'>): NetworkWay | null {
  return (['udp', 'tcp', 'relay'] as const).find((way) => ways[way]?.reached) ?? null;
}

/** `asked`: the height of the picture that is to be sent. */
export function verdictOf(findings: Findings, asked: number): Verdict {
  const way = bestWay(findings);
  if (way === null)
    return {
      level: 'bad',
      way,
      sentences: [{ key: 'network.none', values: { servers: findings.servers.join(', ') } }],
    };
  const sentences: Sentence[] = [];
  if (way === 'tcp') sentences.push({ key: 'network.by.tcp', values: { servers: findings.servers.join(', ') } });
  if (way === 'relay') sentences.push({ key: 'network.by.relay' });
  const rttMs = findings.ways[way]?.rttMs ?? 0;
  if (rttMs >= LATE_MS) sentences.push({ key: 'network.late', values: { ms: Math.round(rttMs) } });
  const level = sentences.length > 0 ? 'fair' : 'good';
  const slow = slowSentence(findings.uploadBps, asked);
  if (slow) return { level: slow.key === 'network.soundOnly' ? 'bad' : 'fair', way, sentences: [...sentences, slow] };
  if (level === 'good') sentences.push({ key: 'network.good', values: { asked } });
  return { level, way, sentences };
}

function slowSentence(uploadBps: number | null, asked: number): Sentence | undefined {
  if (uploadBps === null) return { key: 'network.unmeasured' };
  const sent = sentHeight(asked, uploadBps);
  if (sent >= asked) return undefined;
  return sent === 0 ? { key: 'network.soundOnly' } : { key: 'network.slow', values: { asked, sent } };
}

/** `8.4`, of Mbit/s. */
export const megabits = (bps: number): string => (bps / 1_000_000).toFixed(bps < 10_000_000 ? 1 : 0);
