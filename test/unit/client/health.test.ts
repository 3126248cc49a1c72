import { signal } from '@preact/signals';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as contract from '../../../client/shared/contract.ts';
import { setLanguage } from '../../../client/shared/language.ts';
import { TalkDetector } from '../../../client/studio/media/MutedTalk.ts';
import { NOTHING_SENT, readUpload, type SentTracks, type Stat } from '../../../client/studio/media/uploadStats.ts';
import { HEALTH_TEXTS } from '../../../client/studio/room/health/healthTexts.ts';
import { wordingOf } from '../../../client/studio/room/health/wording.ts';
import { HealthSession, type OwnFinding } from '../../../client/studio/session/HealthSession.ts';
import { RoomState } from '../../../client/studio/session/RoomState.ts';
import { DegradationStep } from '../../../src/contracts/degradation.ts';
import { type Finding, FindingCode, HEALTH_REPORT_EVERY_MS, HealthReport } from '../../../src/contracts/health.ts';

test('pages report as often as the contract says', () => {
  expect(contract.HEALTH_REPORT_EVERY_MS).toBe(HEALTH_REPORT_EVERY_MS);
});

/** Of a person. */
const PERSONAL = ['upload', 'delay', 'jitter', 'cpu', 'tcp', 'no-picture', 'no-sound', 'silent', 'away'] as const;
const values = {
  ...{ kbits: 180, lost: 6, ms: 40, step: 'lower-layers', percent: 1.5, fps: 20, wanted: 30, seconds: 9 },
  ...{ name: 'YouTube', reason: 'disk full', cause: 'closed' },
};

describe('a finding in words', () => {
  beforeEach(() => setLanguage('en'));

  const ada: OwnFinding = { key: 'upload:p1', code: 'upload', severity: 'warn', peer: 'p1', values };

  test('says who, what and what to do', () => {
    expect(wordingOf(ada, 'p2', () => 'Ada')).toEqual({
      sentence: 'Ada’s upload is weak: 180 kbit/s, 6 % lost.',
      remedy: 'Ask them to move nearer to the router or to use a cable, or to turn the camera off.',
    });
    setLanguage('zh');
    expect(wordingOf(ada, 'p2', () => 'Ada').sentence).toBe('Ada的上行网络较差：180 kbit/s，丢包 6%。');
  });

  test('speaks to oneself of oneself', () => {
    expect(wordingOf(ada, 'p1', () => 'Ada').sentence).toBe(
      'Your connection is poor: 6 % of what you send is lost, and others see you blurred.',
    );
  });

  test('of a line that only carries little names what it takes, not what is lost', () => {
    const narrow = { ...ada, values: { kbits: 300, lost: 0, available: 250 } };
    expect(wordingOf(narrow, 'p2', () => 'Ada').sentence).toBe('Ada’s upload is weak: the line takes only 250 kbit/s.');
    const unknown = { ...ada, values: { kbits: 300, lost: 0 } };
    expect(wordingOf(unknown, 'p1', () => 'Ada').sentence).toContain('300 kbit/s');
  });

  test.each(['en', 'zh'] as const)('is whole for each code, step and reader: %s', (language) => {
    setLanguage(language);
    const steps = DegradationStep.options.filter((step) => step !== 'none');
    const cases: [OwnFinding, string][] = [
      ...FindingCode.options.map((code): [OwnFinding, string] => [
        {
          key: code,
          code,
          severity: 'warn',
          values,
          ...((PERSONAL as readonly string[]).includes(code) ? { peer: 'p1' } : {}),
        },
        'p2',
      ]),
      ...PERSONAL.map((code): [OwnFinding, string] => [
        { key: code, code, severity: 'warn', peer: 'p1', values },
        'p1',
      ]),
      ...steps.map((step): [OwnFinding, string] => [
        { key: 'starved', code: 'starved', severity: 'warn', values: { step } },
        'p1',
      ]),
      [{ key: 'muted', code: 'muted', severity: 'warn', peer: 'p1', values: {} }, 'p1'],
    ];
    for (const [finding, self] of cases) {
      const { sentence, remedy } = wordingOf(finding, self, () => 'Ada');
      for (const text of [sentence, remedy]) {
        expect(text, finding.code).toMatch(/[.。]$/);
        expect(text, finding.code).not.toMatch(/[{}]|undefined/);
      }
      if (self === 'p2' && finding.peer) expect(sentence).toContain('Ada');
    }
  });

  test('no sentence is there that no finding has', () => {
    const sentences = Object.keys(HEALTH_TEXTS.en).filter((key) => /^(found|own)\./.test(key) && !key.endsWith('.do'));
    const known = new Set<string>([...FindingCode.options, 'muted', 'upload.loss', 'upload.weak']);
    for (const step of DegradationStep.options) known.add(`starved.${step}`);
    expect(sentences.filter((key) => !known.has(key.replace(/^(found|own)\./, '')))).toEqual([]);
  });
});

describe('what a page measures of its sending', () => {
  const sent: SentTracks = { camera: 'cam', microphone: 'mic' };
  const layer = (rid: number, change: Partial<Stat> = {}): Stat => ({
    ...{ id: `out${rid}`, type: 'outbound-rtp', kind: 'video', mediaSourceId: 'source-cam' },
    ...{ frameWidth: 320 * rid, frameHeight: 180 * rid, framesPerSecond: 30, ...change },
  });
  const base: Stat[] = [
    { id: 'source-cam', type: 'media-source', kind: 'video', trackIdentifier: 'cam' },
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.042, availableOutgoingBitrate: 640_000 },
    { id: 'Q', type: 'candidate-pair', currentRoundTripTime: 9, availableOutgoingBitrate: 1 },
  ];
  const sound = (energy: number, seconds: number, trackIdentifier = 'mic'): Stat => ({
    ...{ id: 'source-mic', type: 'media-source', kind: 'audio', trackIdentifier },
    ...{ totalAudioEnergy: energy, totalSamplesDuration: seconds },
  });

  test('the highest layer that moves, the pair in use', () => {
    const stats = [...base, layer(1), layer(2), layer(4, { framesPerSecond: 0 })];
    const { report } = readUpload(stats, sent, NOTHING_SENT);
    expect(HealthReport.parse(report)).toEqual({
      ...{ picture: { width: 640, height: 360, fps: 30 }, limitedBy: 'none', availableBps: 640_000, rttMs: 42 },
      silentMs: 0,
    });
  });

  test('nothing where a browser says nothing, and no screen for a camera', () => {
    const screen = layer(4, { mediaSourceId: 'source-screen' });
    const report = readUpload([screen], sent, NOTHING_SENT).report;
    expect(HealthReport.parse(report)).toEqual({
      ...{ picture: null, limitedBy: 'none', availableBps: null, rttMs: null, silentMs: 0 },
    });
    expect(readUpload([...base, layer(1)], { ...sent, camera: null }, NOTHING_SENT).report.picture).toBeNull();
    const standing = readUpload([...base, layer(1, { framesPerSecond: 0 })], sent, NOTHING_SENT).report;
    expect(standing.picture).toEqual({ width: 0, height: 0, fps: 0 });
  });

  test('what held it back for most of the time since the last report', () => {
    const held = (none: number, cpu: number, bandwidth: number) => [
      ...base,
      layer(4, { qualityLimitationDurations: { none, cpu, bandwidth, other: 0 } }),
    ];
    const first = readUpload(held(0, 0, 90), sent, NOTHING_SENT);
    expect(first.report.limitedBy).toBe('none');
    const second = readUpload(held(1, 0, 93), sent, first.memory);
    expect(second.report.limitedBy).toBe('bandwidth');
    const third = readUpload(held(1.5, 3.5, 93), sent, second.memory);
    expect(third.report.limitedBy).toBe('cpu');
    expect(readUpload(held(9, 3.5, 93), sent, third.memory).report.limitedBy).toBe('none');
  });

  test('without durations, what it says now', () => {
    const stats = [...base, layer(1, { qualityLimitationReason: 'bandwidth' })];
    expect(readUpload(stats, sent, NOTHING_SENT).report.limitedBy).toBe('bandwidth');
  });

  test('how long a microphone that is on has given nothing: a whisper, another device or muting begins anew', () => {
    const silentMs: number[] = [];
    let memory = NOTHING_SENT;
    const hear = (stat: Stat, tracks = sent) => {
      const read = readUpload([stat], tracks, memory);
      memory = read.memory;
      silentMs.push(read.report.silentMs);
    };
    hear(sound(0.5, 10));
    hear(sound(0.5, 14));
    hear(sound(0.5, 18));
    hear(sound(0.5 + 1e-7, 22)); // −76 dBFS
    hear(sound(0.5 + 1e-7, 26));
    hear(sound(0, 4, 'another'), { ...sent, microphone: 'another' });
    hear(sound(0, 8, 'another'), { ...sent, microphone: 'another' });
    hear(sound(0, 12, 'another'), { ...sent, microphone: null });
    hear(sound(0, 16, 'another'), { ...sent, microphone: 'another' });
    expect(silentMs).toEqual([0, 4_000, 8_000, 0, 4_000, 0, 4_000, 0, 0]);
  });

  test('where the browser stopped counting, nothing is added', () => {
    const first = readUpload([sound(0, 10)], sent, NOTHING_SENT);
    expect(readUpload([sound(0, 10)], sent, first.memory).report.silentMs).toBe(0);
  });
});

describe('talk into a muted microphone', () => {
  /** Loud or not, for each tenth of a second. */
  const hear = (detector: TalkDetector, fromMs: number, pattern: string) =>
    [...pattern].map((mark, i) => detector.hear(mark === '#' ? 0.7 : 0.1, fromMs + i * 100));

  test('is told after a word or two, and until there is a pause', () => {
    const detector = new TalkDetector();
    const heard = hear(detector, 0, '.###.###.##');
    expect(heard.at(-1)).toBe(true);
    expect(heard.indexOf(true)).toBeGreaterThanOrEqual(6);
    expect(hear(detector, 1_100, '.'.repeat(48)).at(-1)).toBe(true);
    expect(hear(detector, 8_000, '.')).toEqual([false]);
  });

  test('a cough, a door, and a long silence with a page that slept are none', () => {
    const detector = new TalkDetector();
    expect(hear(detector, 0, '####................####').includes(true)).toBe(false);
    expect([detector.hear(0.9, 60_000), detector.hear(0.9, 90_000)]).toEqual([false, false]);
  });
});

describe('a session', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const finding = (code: FindingCode, severity: Finding['severity']): Finding => ({
    ...{ key: code, code, severity, values: {} },
  });

  function setUp() {
    const state = new RoomState();
    const self = { id: 'p1', name: 'Ada', role: 'host' as const, seated: true, asking: false };
    state.selfId.value = 'p1';
    state.events['peer:joined']({ ...self, presence: 'here', sources: [] });
    const requests: [string, unknown][] = [];
    let onLost: (() => void) | undefined;
    const socket = {
      on: (_: string, listener: () => void) => {
        onLost = listener;
      },
      off: () => {
        onLost = undefined;
      },
    };
    const request = async (...asked: [string, unknown]) => void requests.push(asked);
    const media = { muted: signal(false), microphone: signal({ id: 'mic' }), camera: signal(null) };
    let stats: Stat[] | undefined = [];
    const session = new HealthSession(
      { socket, request } as never,
      state,
      media as never,
      () => stats && Promise.resolve(new Map(stats.map((stat) => [stat.id, stat])) as unknown as RTCStatsReport),
    );
    return {
      ...{ session, state, requests },
      setStats: (next: Stat[] | undefined) => {
        stats = next;
      },
      lose: () => onLost?.(),
      listens: () => onLost !== undefined,
    };
  }
  const tell = (session: HealthSession, ...findings: Finding[]) =>
    session.events['room:health']({ people: [], program: null, findings });

  test('reports every four seconds while one has a seat and a connection', async () => {
    const { session, state, requests, setStats } = setUp();
    setStats([
      { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.01 },
      { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    ]);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(requests.map(([event]) => event)).toEqual(['health:report', 'health:report']);
    expect(HealthReport.parse(requests[0]?.[1])).toMatchObject({ rttMs: 10, picture: null });
    setStats(undefined);
    await vi.advanceTimersByTimeAsync(8_000);
    setStats([]);
    state.events['peer:left']({ peerId: 'p1' });
    await vi.advanceTimersByTimeAsync(8_000);
    expect(requests).toHaveLength(2);
    session.close();
  });

  test('shows the worst that asks for something; what is put away comes back when it is worse, or again', () => {
    const { session } = setUp();
    tell(session, finding('tcp', 'info'));
    expect(session.urgent.value).toEqual([]);
    tell(session, finding('late', 'warn'), finding('upload', 'warn'));
    expect(session.urgent.value[0]?.code).toBe('late');
    session.dismiss(finding('late', 'warn'));
    expect(session.urgent.value[0]?.code).toBe('upload');
    tell(session, finding('late', 'bad'), finding('upload', 'warn'));
    expect(session.urgent.value[0]?.code).toBe('late');
    session.dismiss(finding('late', 'bad'));
    tell(session, finding('late', 'bad'));
    expect(session.urgent.value).toEqual([]);
    tell(session);
    tell(session, finding('late', 'bad'));
    expect(session.urgent.value[0]?.code).toBe('late');
    session.close();
  });

  test('beside the worst there is the worst of one’s own, where that is another one', () => {
    const { session } = setUp();
    const own = { ...finding('cpu', 'warn'), peer: 'p1' };
    tell(session, finding('recovering', 'bad'), finding('late', 'warn'), own, {
      ...finding('jitter', 'warn'),
      peer: 'p1',
    });
    expect(session.urgent.value.map(({ code }) => code)).toEqual(['recovering', 'cpu']);
    tell(session, own, finding('late', 'warn'));
    expect(session.urgent.value.map(({ code }) => code)).toEqual(['cpu']);
    session.close();
  });

  test('without a connection nothing is known; closed, it listens and reports no more', async () => {
    const { session, requests, lose, listens } = setUp();
    tell(session, finding('late', 'warn'));
    lose();
    expect([session.room.value, session.urgent.value]).toEqual([null, []]);
    session.close();
    expect(listens()).toBe(false);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(requests).toEqual([]);
  });
});
