/**
 * Turns figures into findings. Pure. In: what was measured of people (UploadMeter.ts, and the pages' own reports) and of the program
 * (broadcast/ProgramMeter.ts), and what has been found before: a finding is left at another value than it is entered. Out: what is so at
 * this moment; next: Steady.ts, which lets nothing flicker.
 */
import type { BroadcastStatus } from '../../contracts/broadcast.ts';
import type { DegradationStep } from '../../contracts/degradation.ts';
import {
  type Finding,
  type FindingCode,
  type HealthReport,
  type ProgramFigures,
  type Severity,
  severityRank,
} from '../../contracts/health.ts';
import type { PeerId } from '../../contracts/ids.ts';
import {
  AVAILABLE_KBITS,
  BEHIND_MS,
  CLOCK_MS,
  DELIVERY_MS,
  JITTER_MS,
  LATE_PERCENT,
  type Limit,
  LOST_PERCENT,
  MISSING_PERCENT,
  RTT_MS,
  SILENT_MS,
  STALLED_PERCENT,
} from './thresholds.ts';
import type { UploadReading } from './UploadMeter.ts';

export interface PersonFigures {
  peer: PeerId;
  away: boolean;
  upload: UploadReading;
  /** null: its page says nothing. */
  report: HealthReport | null;
}

/** How severe a key has been found so far. */
export type Before = (key: string) => Severity | undefined;

export const keyOf = (code: FindingCode, about = ''): string => (about ? `${code}:${about}` : code);

/** A figure that grows with the trouble. */
export function grade(value: number | null, { warn, bad, slack }: Limit, before?: Severity): Severity | undefined {
  if (value === null) return undefined;
  if (value >= (before === 'bad' ? bad * slack : bad)) return 'bad';
  return value >= (before === undefined ? warn : warn * slack) ? 'warn' : undefined;
}

/** A figure that shrinks with it. */
export function gradeLow(value: number | null, { warn, bad, slack }: Limit, before?: Severity): Severity | undefined {
  if (value === null) return undefined;
  if (value < (before === 'bad' ? bad * slack : bad)) return 'bad';
  return value < (before === undefined ? warn : warn * slack) ? 'warn' : undefined;
}

const worse = (a: Severity | undefined, b: Severity | undefined): Severity | undefined =>
  severityRank(a) >= severityRank(b) ? a : b;

type Values = Finding['values'];

export function judgePerson({ peer, away, upload, report }: PersonFigures, before: Before): Finding[] {
  const found: Finding[] = [];
  const add = (code: FindingCode, severity: Severity | undefined, values: Values = {}): void => {
    if (severity) found.push({ key: keyOf(code, peer), code, severity, peer, values });
  };
  const was = (code: FindingCode): Severity | undefined => before(keyOf(code, peer));
  if (away) {
    add('away', 'warn');
    return found;
  }
  const kbits = Math.round(upload.bitrate / 1000);
  const lost = upload.lostPercent ?? 0;
  const uploaded = worse(grade(upload.lostPercent, LOST_PERCENT, was('upload')), held(upload, report, was('upload')));
  const { availableBps } = report ?? { availableBps: null };
  const available = availableBps === null ? {} : { available: Math.round(availableBps / 1000) };
  add('upload', uploaded, { kbits, lost: Math.round(lost), ...available });
  const rttMs = report?.rttMs ?? upload.rttMs;
  add('delay', grade(rttMs, RTT_MS, was('delay')), { ms: Math.round(rttMs ?? 0) });
  add('jitter', grade(upload.jitterMs, JITTER_MS, was('jitter')), { ms: Math.round(upload.jitterMs ?? 0) });
  if (report?.limitedBy === 'cpu') add('cpu', 'warn');
  if (upload.protocol === 'tcp') add('tcp', 'info');
  if (upload.missing.includes('camera')) add('no-picture', 'bad');
  if (upload.missing.includes('microphone')) add('no-sound', 'bad');
  else if (upload.microphone && (report?.silentMs ?? 0) >= SILENT_MS) add('silent', 'warn');
  return found;
}

/** How much the network holds the picture back; what a page does not say is seen by the layers that do not come. */
function held(upload: UploadReading, report: HealthReport | null, before: Severity | undefined): Severity | undefined {
  const { layers } = upload;
  // Of a camera of which nothing comes that is said, and nothing else.
  const some = layers !== null && layers.sent > 0 && layers.sent < layers.of;
  const limited = report ? report.limitedBy === 'bandwidth' : some;
  if (!limited) return undefined;
  const available = report ? report.availableBps : upload.bitrate;
  // Less than was wanted, and still enough for a picture that is good in most layouts.
  return gradeLow(available === null ? null : available / 1000, AVAILABLE_KBITS, before) ?? 'info';
}

const STARVED: Record<DegradationStep, Severity | undefined> = {
  none: undefined,
  'lower-layers': 'warn',
  'half-source-rate': 'warn',
  'half-program-rate': 'bad',
};

/** Of a broadcast that is seen; nothing else has figures that mean anything. */
export function judgeProgram(status: BroadcastStatus, figures: ProgramFigures, before: Before): Finding[] {
  const found: Finding[] = [];
  const add = (code: FindingCode, severity: Severity | undefined, values: Values = {}): void => {
    if (severity) found.push({ key: keyOf(code), code, severity, values });
  };
  const graded = (code: FindingCode, value: number | null, limit: Limit): Severity | undefined =>
    grade(value, limit, before(keyOf(code)));
  if (status.state === 'recovering') add('recovering', 'bad');
  if (status.state === 'live') {
    const { fps: wanted } = status.video;
    add('starved', STARVED[status.degradation], { step: status.degradation });
    add('late', graded('late', figures.latePercent, LATE_PERCENT), { percent: tenths(figures.latePercent) });
    const missing = (1 - status.fps / wanted) * 100;
    add('slow', graded('slow', missing, MISSING_PERCENT), { fps: tenths(status.fps), wanted });
    add('clock', graded('clock', figures.clockErrorMs, CLOCK_MS), { ms: Math.round(figures.clockErrorMs) });
    add('delivery', graded('delivery', figures.deliveryMs, DELIVERY_MS), { ms: Math.round(figures.deliveryMs) });
    const { latencyMs, stalledPercent } = figures;
    add('behind', graded('behind', latencyMs, BEHIND_MS), { seconds: Math.round((latencyMs ?? 0) / 1000) });
    add('stalls', graded('stalls', stalledPercent, STALLED_PERCENT), { percent: tenths(stalledPercent ?? 0) });
  }
  if (status.state === 'live' || status.state === 'recovering') {
    found.push(...status.destinations.flatMap(judgeDestination));
    const { recording } = status;
    if (recording && !recording.complete) add('recording', 'bad', { reason: recording.reason });
  }
  return found;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

function judgeDestination({ id, name, state, cause }: BroadcastStatus['destinations'][number]): Finding[] {
  const finding = (code: FindingCode, severity: Severity): Finding[] => [
    { key: keyOf(code, id), code, severity, values: { name, ...(cause ? { cause } : {}) } },
  ];
  if (state === 'failed') return finding('destination-failed', 'bad');
  if (state === 'reconnecting') return finding('destination-lost', 'warn');
  return state === 'live' && cause === 'slow' ? finding('destination-slow', 'warn') : [];
}
