/** Figures to findings: each one is reached, at its threshold, and is left at another value than it is entered. */
import { describe, expect, test } from 'vitest';
import { NO_FIGURES } from '../../../../src/broadcast/ProgramMeter.ts';
import { StatusBoard } from '../../../../src/broadcast/StatusBoard.ts';
import { BroadcastInput, type BroadcastStatus } from '../../../../src/contracts/broadcast.ts';
import { FindingCode, HealthReport, type ProgramFigures, type Severity } from '../../../../src/contracts/health.ts';
import {
  type Before,
  grade,
  gradeLow,
  judgePerson,
  judgeProgram,
  type PersonFigures,
} from '../../../../src/rooms/health/judge.ts';
import { NOTHING, type UploadReading } from '../../../../src/rooms/health/UploadMeter.ts';

const PEER = 'paaaaaaaaaaaa';
const nothing: Before = () => undefined;
const held =
  (severity: Severity): Before =>
  () =>
    severity;

const person = (upload: Partial<UploadReading>, report: Partial<HealthReport> | null = null): PersonFigures => ({
  ...{ peer: PEER, away: false, upload: { ...NOTHING, bitrate: 1_800_000, lostPercent: 0, ...upload } },
  report: report && HealthReport.parse({ picture: null, ...report }),
});

const status = (change: Partial<BroadcastStatus>): BroadcastStatus => {
  const input = BroadcastInput.parse({});
  const board = new StatusBoard({ id: 'baaaaaaaaaaaa', room: 'demo', input, onStatus: () => {} });
  return { ...board.status, state: 'live', fps: 30, ...change };
};
const destination = (change: Partial<BroadcastStatus['destinations'][number]>): BroadcastStatus => {
  const all = { id: 'daaaaaaaa', name: 'cdn', target: 'rtmp://cdn/app', state: 'live' as const, since: 1, cause: null };
  const rest = { retryAt: null, reason: '', connects: 1, bytes: 1, droppedGops: 0 };
  return status({ destinations: [{ ...all, ...rest, ...change }] });
};
const figures = (change: Partial<ProgramFigures>): ProgramFigures => ({ ...NO_FIGURES, ...change });

const ofPerson = (figuresOf: PersonFigures, before = nothing) =>
  judgePerson(figuresOf, before).map(({ code, severity }) => `${code} ${severity}`);
const ofProgram = (now: BroadcastStatus, change: Partial<ProgramFigures> = {}, before = nothing) =>
  judgeProgram(now, figures(change), before).map(({ code, severity }) => `${code} ${severity}`);

describe('a person', () => {
  test('of whom all arrives is no finding', () => {
    expect(judgePerson(person({ lostPercent: 2, rttMs: 200, jitterMs: 20, microphone: true }), nothing)).toEqual([]);
  });

  test('loses packets: by how much, with the numbers that the sentence names', () => {
    expect(judgePerson(person({ bitrate: 180_400, lostPercent: 6.2 }), nothing)).toEqual([
      { key: `upload:${PEER}`, code: 'upload', severity: 'warn', peer: PEER, values: { kbits: 180, lost: 6 } },
    ]);
    expect(ofPerson(person({ lostPercent: 12 }))).toEqual(['upload bad']);
  });

  test('is held back by the network as its page says, or as the layers say that do not come', () => {
    const limited = (availableBps: number) => person({}, { limitedBy: 'bandwidth', availableBps });
    expect(ofPerson(limited(1_200_000))).toEqual(['upload info']);
    expect(ofPerson(limited(400_000))).toEqual(['upload warn']);
    expect(ofPerson(limited(120_000))).toEqual(['upload bad']);
    expect(judgePerson(limited(120_000), nothing)[0]?.values).toEqual({ kbits: 1800, lost: 0, available: 120 });
    const layers = { sent: 1, of: 3 };
    expect(ofPerson(person({ bitrate: 150_000, layers }))).toEqual(['upload bad']);
    expect(ofPerson(person({ bitrate: 40_000, layers: { sent: 0, of: 3 } }))).toEqual([]);
    // A page that says that nothing holds it back knows better.
    expect(ofPerson(person({ bitrate: 150_000, layers }, { limitedBy: 'none' }))).toEqual([]);
  });

  test.each<[string, PersonFigures, string[]]>([
    ['a long way, as mediasoup measures it', person({ rttMs: 350 }), ['delay warn']],
    ['a long way, as its page measures it', person({ rttMs: 20 }, { rttMs: 700 }), ['delay bad']],
    ['an unsteady way', person({ jitterMs: 60 }), ['jitter warn']],
    ['a machine at its limit', person({}, { limitedBy: 'cpu' }), ['cpu warn']],
    ['media by TCP', person({ protocol: 'tcp' }), ['tcp info']],
    ['a camera of which nothing comes', person({ missing: ['camera'] }), ['no-picture bad']],
    ['a microphone of which nothing comes', person({ missing: ['microphone'], microphone: true }), ['no-sound bad']],
    ['a silent microphone', person({ microphone: true }, { silentMs: 20_000 }), ['silent warn']],
    ['a microphone that is silent for a moment', person({ microphone: true }, { silentMs: 19_000 }), []],
    ['a silent microphone that is off', person({ microphone: false }, { silentMs: 60_000 }), []],
    [
      'a person who is away, of whom nothing else is said',
      { ...person({ lostPercent: 50 }), away: true },
      ['away warn'],
    ],
  ])('%s', (_what, given, expected) => expect(ofPerson(given)).toEqual(expected));
});

describe('a program', () => {
  test('as it should be is no finding, nor is one that nobody sees', () => {
    expect(ofProgram(status({}))).toEqual([]);
    const worst = { latePercent: 90, clockErrorMs: 1_000, deliveryMs: 9_000, latencyMs: 60_000, stalledPercent: 90 };
    for (const state of ['pending', 'starting', 'ending', 'ended', 'failed'] as const)
      expect(ofProgram(status({ state, fps: 0, degradation: 'half-program-rate' }), worst)).toEqual([]);
  });

  test.each<[string, BroadcastStatus, Partial<ProgramFigures>, string[]]>([
    ['lower layers', status({ degradation: 'lower-layers' }), {}, ['starved warn']],
    ['half of the sources', status({ degradation: 'half-source-rate' }), {}, ['starved warn']],
    ['half of the program', status({ degradation: 'half-program-rate' }), {}, ['starved bad']],
    ['some late frames', status({}), { latePercent: 15 }, ['late warn']],
    ['many late frames', status({}), { latePercent: 35 }, ['late bad']],
    ['fewer frames', status({ fps: 27 }), {}, ['slow warn']],
    ['far fewer frames', status({ fps: 15 }), {}, ['slow bad']],
    ['no compositor', status({ state: 'recovering', fps: 0 }), {}, ['recovering bad']],
    ['a clock that is off', status({}), { clockErrorMs: 20 }, ['clock warn']],
    ['a slow way to delivery', status({}), { deliveryMs: 400 }, ['delivery warn']],
    ['viewers who are behind', status({}), { latencyMs: 9_000 }, ['behind warn']],
    ['viewers who are far behind', status({}), { latencyMs: 20_000 }, ['behind bad']],
    ['stalls', status({}), { stalledPercent: 2 }, ['stalls warn']],
    [
      'a destination that is lost',
      destination({ state: 'reconnecting', cause: 'closed' }),
      {},
      ['destination-lost warn'],
    ],
    ['one that has failed', destination({ state: 'failed', cause: 'refused' }), {}, ['destination-failed bad']],
    ['one that is slow', destination({ cause: 'slow' }), {}, ['destination-slow warn']],
    ['one that was slow and is gone', destination({ state: 'stopped', cause: 'slow' }), {}, []],
    [
      'a recording with a hole',
      status({
        recording: { id: 'raaaaaaaaaaaa', state: 'recording', complete: false, reason: 'disk full', startedAt: 0 },
      }),
      {},
      ['recording bad'],
    ],
  ])('%s', (_what, now, change, expected) => expect(ofProgram(now, change)).toEqual(expected));

  test('names what its sentence needs', () => {
    const values = judgeProgram(status({ fps: 20.04 }), figures({ latePercent: 12.62, latencyMs: 9_400 }), nothing);
    expect(values.map((finding) => finding.values)).toEqual([
      { percent: 12.6 },
      { fps: 20, wanted: 30 },
      { seconds: 9 },
    ]);
    const [lost] = judgeProgram(destination({ state: 'failed', cause: 'refused' }), NO_FIGURES, nothing);
    expect(lost).toMatchObject({ key: 'destination-failed:daaaaaaaa', values: { name: 'cdn', cause: 'refused' } });
  });
});

test('each code is reached by the cases above', async () => {
  const all = [
    ...[{ lostPercent: 5, rttMs: 400, jitterMs: 80, protocol: 'tcp' as const, missing: ['camera' as const] }].flatMap(
      (upload) => judgePerson(person(upload, { limitedBy: 'cpu' }), nothing),
    ),
    ...judgePerson(person({ missing: ['microphone'] }), nothing),
    ...judgePerson(person({ microphone: true }, { silentMs: 30_000 }), nothing),
    ...judgePerson({ ...person({}), away: true }, nothing),
    ...judgeProgram(
      status({
        degradation: 'lower-layers',
        fps: 10,
        recording: { id: 'raaaaaaaaaaaa', state: 'failed', complete: false, reason: '', startedAt: 0 },
      }),
      figures({ latePercent: 19, clockErrorMs: 99, deliveryMs: 2_000, latencyMs: 30_000, stalledPercent: 9 }),
      nothing,
    ),
    ...judgeProgram(status({ state: 'recovering' }), NO_FIGURES, nothing),
    ...judgeProgram(destination({ state: 'reconnecting' }), NO_FIGURES, nothing),
    ...judgeProgram(destination({ state: 'failed' }), NO_FIGURES, nothing),
    ...judgeProgram(destination({ cause: 'slow' }), NO_FIGURES, nothing),
  ];
  expect(new Set(all.map(({ code }) => code))).toEqual(new Set(FindingCode.options));
});

describe('a threshold', () => {
  const limit = { warn: 10, bad: 20, slack: 0.5 };
  test.each<[number, Severity | undefined, Severity | undefined]>([
    [9.9, undefined, undefined],
    [10, undefined, 'warn'],
    [20, undefined, 'bad'],
    // What has been found is left below half of its threshold.
    [6, 'warn', 'warn'],
    [4.9, 'warn', undefined],
    [12, 'bad', 'bad'],
    [9, 'bad', 'warn'],
    [6, 'info', 'warn'],
  ])('%d, after %s: %s', (value, before, expected) => expect(grade(value, limit, before)).toBe(expected));

  test('of a figure that shrinks is left above what entered it', () => {
    const low = { warn: 500, bad: 200, slack: 1.3 };
    expect([500, 499, 199].map((value) => gradeLow(value, low))).toEqual([undefined, 'warn', 'bad']);
    expect([640, 660].map((value) => gradeLow(value, low, 'warn'))).toEqual(['warn', undefined]);
    expect([250, 270].map((value) => gradeLow(value, low, 'bad'))).toEqual(['bad', 'warn']);
  });

  test('of what is not known is never passed', () => {
    expect([grade(null, limit), gradeLow(null, limit)]).toEqual([undefined, undefined]);
  });

  test('holds for what was found before, by its key', () => {
    expect(ofPerson(person({ lostPercent: 2 }))).toEqual([]);
    expect(ofPerson(person({ lostPercent: 2 }), held('warn'))).toEqual(['upload warn']);
    expect(ofProgram(status({}), { latePercent: 7 }, held('warn'))).toEqual(['late warn']);
  });
});
