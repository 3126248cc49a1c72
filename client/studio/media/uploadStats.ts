/**
 * What the sending connection's statistics say that only the sender knows (W3C webrtc-stats). Pure. In: `getStats()` of it, and what the last call
 * remembered. Out: a HealthReport (src/contracts/health.ts); next: session/HealthSession.ts.
 */
import type { HealthReport, UploadLimit } from '../../../src/contracts/health.ts';

/** Mean square of samples, of full scale, below which a microphone gives nothing at all: −90 dBFS. A room with nobody in it has −70. */
const SILENCE = 1e-9;
/** What held the picture back for this share of the time is what holds it back. */
const MOST = 0.5;

/** The fields that are read; browsers leave out what they do not have. */
export interface Stat {
  id: string;
  type: string;
  kind?: string;
  mediaSourceId?: string;
  trackIdentifier?: string;
  frameWidth?: number;
  frameHeight?: number;
  framesPerSecond?: number;
  qualityLimitationReason?: string;
  qualityLimitationDurations?: Record<string, number>;
  selectedCandidatePairId?: string;
  currentRoundTripTime?: number;
  availableOutgoingBitrate?: number;
  totalAudioEnergy?: number;
  totalSamplesDuration?: number;
}

/** What is sent, by the ids of its tracks; null: it is off. */
export interface SentTracks {
  camera: string | null;
  microphone: string | null;
}

export interface UploadMemory {
  /** Seconds for which each layer's picture was held back, by reason. */
  durations: ReadonlyMap<string, Readonly<Record<string, number>>>;
  sound: { track: string; energy: number; seconds: number } | null;
  silentMs: number;
}

export const NOTHING_SENT: UploadMemory = { durations: new Map(), sound: null, silentMs: 0 };

export function readUpload(
  stats: readonly Stat[],
  sent: SentTracks,
  before: UploadMemory,
): { report: HealthReport; memory: UploadMemory } {
  const sources = new Map(stats.filter(({ type }) => type === 'media-source').map((stat) => [stat.id, stat]));
  const layers = stats.filter(
    ({ type, kind, mediaSourceId }) =>
      type === 'outbound-rtp' &&
      kind === 'video' &&
      sent.camera !== null &&
      sources.get(mediaSourceId ?? '')?.trackIdentifier === sent.camera,
  );
  const microphone = [...sources.values()].find(
    ({ trackIdentifier }) => sent.microphone !== null && trackIdentifier === sent.microphone,
  );
  const { sound, silentMs } = listen(microphone, before);
  const pair = selectedPair(stats);
  return {
    report: {
      picture: pictureOf(layers),
      limitedBy: limitOf(layers, before),
      availableBps: pair?.availableOutgoingBitrate ?? null,
      rttMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
      silentMs: Math.round(silentMs),
    },
    memory: {
      durations: new Map(layers.map(({ id, qualityLimitationDurations = {} }) => [id, qualityLimitationDurations])),
      sound,
      silentMs,
    },
  };
}

/** Of the highest layer of which pictures go out. */
function pictureOf(layers: readonly Stat[]): HealthReport['picture'] {
  const moving = layers.filter(({ framesPerSecond = 0, frameWidth = 0 }) => framesPerSecond > 0 && frameWidth > 0);
  const [highest] = moving.sort((a, b) => (b.frameWidth ?? 0) - (a.frameWidth ?? 0));
  if (!highest) return layers.length > 0 ? { width: 0, height: 0, fps: 0 } : null;
  const { frameWidth: width = 0, frameHeight: height = 0, framesPerSecond: fps = 0 } = highest;
  return { width, height, fps };
}

/** What held the worst layer back for most of the time since before; where a browser does not count, what it says now. */
function limitOf(layers: readonly Stat[], before: UploadMemory): UploadLimit {
  for (const reason of ['cpu', 'bandwidth', 'other'] as const)
    for (const { id, qualityLimitationReason, qualityLimitationDurations: durations } of layers) {
      const last = before.durations.get(id);
      if (!durations || !last) {
        if (!durations && qualityLimitationReason === reason) return reason;
        continue;
      }
      const since = (name: string): number => Math.max(0, (durations[name] ?? 0) - (last[name] ?? 0));
      const all = Object.keys(durations).reduce((sum, name) => sum + since(name), 0);
      if (all > 0 && since(reason) / all >= MOST) return reason;
    }
  return 'none';
}

/** How long there has been nothing at all, as far as the browser counts what it is given. */
function listen(stat: Stat | undefined, before: UploadMemory): Pick<UploadMemory, 'sound' | 'silentMs'> {
  const { trackIdentifier: track, totalAudioEnergy: energy, totalSamplesDuration: seconds } = stat ?? {};
  if (track === undefined || energy === undefined || seconds === undefined) return { sound: null, silentMs: 0 };
  const sound = { track, energy, seconds };
  const last = before.sound;
  if (last?.track !== track || seconds < last.seconds) return { sound, silentMs: 0 };
  const passed = seconds - last.seconds;
  const silent = energy - last.energy < SILENCE * passed;
  // Where nothing is counted, nothing is known.
  if (passed === 0) return { sound, silentMs: before.silentMs };
  return { sound, silentMs: silent ? before.silentMs + passed * 1000 : 0 };
}

function selectedPair(stats: readonly Stat[]): Stat | undefined {
  const transport = stats.find(({ type, selectedCandidatePairId }) => type === 'transport' && selectedCandidatePairId);
  return stats.find(({ id, type }) => type === 'candidate-pair' && id === transport?.selectedCandidatePairId);
}
