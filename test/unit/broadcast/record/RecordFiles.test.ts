import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Destination, newDestination } from '../../../../src/broadcast/destinations.ts';
import { encoderFor, gridFor, renditionsFor } from '../../../../src/broadcast/jobs.ts';
import {
  destinationsOf,
  pendingOf,
  programMsOf,
  type RecordedState,
} from '../../../../src/broadcast/record/BroadcastRecord.ts';
import { RecordFiles } from '../../../../src/broadcast/record/RecordFiles.ts';
import { resumedFrom } from '../../../../src/broadcast/record/resumed.ts';
import { Secret } from '../../../../src/common/Secret.ts';
import { BroadcastInput } from '../../../../src/contracts/broadcast.ts';

const SECRETS = [new Secret('s'.repeat(32))];
const KEY = 'KEY-which-nobody-may-read';
const ID = 'bphoenixphoenix';
const input = BroadcastInput.parse({ video: { width: 640, height: 360, bitrate: 500_000 }, emptyGraceSeconds: 7 });

let dataDir: string;
let destination: Destination;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lianmai-records-'));
  const given = { name: 'cdn', url: 'rtmp://cdn.example/live', key: KEY, reconnectSeconds: 30 };
  destination = await newDestination(given, async (url) => `identity of ${url}`);
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const open = (secrets = SECRETS) => RecordFiles.create({ dataDir, secrets, logger: pino({ level: 'silent' }) });

const state = (change: Partial<RecordedState> = {}): RecordedState => ({
  id: ID,
  room: 'demo',
  input,
  program: {
    broadcast: ID,
    epoch: 1_000_000,
    startMs: 5,
    grid: gridFor(30),
    encoder: encoderFor('libx264', 2),
    renditions: renditionsFor(input),
    deliveryUrl: 'http://127.0.0.1:1',
    assetsUrl: null,
  },
  fence: 42,
  destinations: [destination],
  failures: 0,
  handedOn: false,
  lease: 40,
  ...change,
});

describe('RecordFiles', () => {
  test('a broadcast whose process died is found as it was', async () => {
    const keeper = (await open()).keeper(ID);
    keeper.save(state({ fence: 41 }));
    keeper.save(state());
    keeper.beat(() => ({ programMs: 9_000, at: 1_009_100 }));
    const files = await open();
    const [found] = files.find();
    expect(found?.record).toMatchObject({
      id: ID,
      room: 'demo',
      input,
      epoch: 1_000_000,
      grid: gridFor(30),
      fence: 42,
    });
    expect(found?.record.encoder).toEqual(encoderFor('libx264', 2));
    expect(found?.record.renditions).toEqual(renditionsFor(input));
    expect(found?.beat).toMatchObject({ programMs: 9_000, at: 1_009_100 });
    keeper.remove();
    expect((await open()).find()).toEqual([]);
    expect(await readdir(join(dataDir, 'broadcasts'))).toEqual([]);
  });

  test('destinations come back with their keys, which are in no file', async () => {
    const keeper = (await open()).keeper(ID);
    keeper.save(state());
    for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) expect(await readFile(join(entry.parentPath, entry.name), 'latin1')).not.toContain(KEY);
    }
    const files = await open();
    const record = files.find()[0]?.record;
    if (!record) throw new Error('no record');
    const { known, lost } = destinationsOf(record, files.box);
    expect(lost).toEqual([]);
    expect(known[0]?.url.reveal()).toBe(`rtmp://cdn.example/live/${KEY}`);
    expect(known[0]).toMatchObject({ identity: destination.identity, reconnectSeconds: 30 });
    const { id, name, target } = destination.status;
    expect(known[0]?.status).toMatchObject({ id, name, target, state: 'connecting', connects: 0 });
    const stranger = await open([new Secret('n'.repeat(32))]);
    expect(destinationsOf(record, stranger.box)).toEqual({ known: [], lost: [id] });
    keeper.remove();
  });

  test('a start that waits is found with its place in the queue and its destinations, until it has begun', async () => {
    const keeper = (await open()).keeper(ID);
    const files = await open();
    const waits = { id: ID, room: 'demo', input, destinations: [destination], queuedAt: 1_000_007 };
    keeper.wait({ ...pendingOf(waits, files.box), lease: 40 });
    keeper.beat(() => ({ programMs: 0, at: 1_002_000 }));
    const [found] = files.findPending();
    if (!found) throw new Error('nothing is kept');
    expect(found.pending).toMatchObject({ id: ID, room: 'demo', input, queuedAt: 1_000_007, lease: 40 });
    expect(found.beat).toMatchObject({ at: 1_002_000 });
    expect(JSON.stringify(found.pending)).not.toContain(KEY);
    expect(destinationsOf(found.pending, files.box).known[0]?.url.reveal()).toContain(KEY);
    expect(files.find()).toEqual([]);
    keeper.save(state());
    expect(files.findPending()).toEqual([]);
    expect(files.find()).toHaveLength(1);
    keeper.remove();
    expect(await readdir(join(dataDir, 'broadcasts'))).toEqual([]);
  });

  test('what can not be read is removed, and harms no other', async () => {
    const good = (await open()).keeper(ID);
    good.save(state());
    const bad = (await open()).keeper('bbrokenbroken');
    bad.save(state({ id: 'bbrokenbroken' }));
    for (const n of [0, 1]) await writeFile(join(dataDir, 'broadcasts', 'bbrokenbroken', `record.${n}`), 'x');
    expect((await open()).find().map(({ record }) => record.id)).toEqual([ID]);
    expect(await readdir(join(dataDir, 'broadcasts'))).toEqual([ID]);
    good.remove();
  });

  test('what a keeper writes after its end is not there', async () => {
    const keeper = (await open()).keeper(ID);
    keeper.save(state());
    keeper.remove();
    keeper.save(state());
    keeper.beat(() => ({ programMs: 0, at: 0 }));
    expect(await readdir(join(dataDir, 'broadcasts'))).toEqual([]);
  });
});

describe('program time', () => {
  const found = async (heldMs: number, failures = 0, handedOn = false) => {
    const keeper = (await open()).keeper(ID);
    keeper.save(state({ failures, handedOn }));
    const record = (await open()).find()[0]?.record;
    keeper.remove();
    if (!record) throw new Error('no record');
    return { record, beat: { programMs: 9_000, at: 1_009_100, heldMs } };
  };

  test('goes on by the wall clock, from the last beat on', async () => {
    expect(programMsOf(await found(1), 1_012_100)).toBe(12_000);
    expect(programMsOf({ ...(await found(1)), beat: undefined }, 1_012_000)).toBe(12_000);
  });

  test('never goes back, when the wall clock was set back meanwhile', async () => {
    expect(programMsOf(await found(1), 500)).toBe(9_000);
  });

  test('the successor has the same epoch, grid and encoder, and its own clock', async () => {
    const resumed = resumedFrom(await found(1), { wallMs: 1_012_100, clockMs: 777 });
    expect(resumed).toMatchObject({ id: ID, fence: 42, program: { epoch: 1_000_000, startMs: 777 - 12_000 } });
    expect(resumed.program.encoder).toEqual(encoderFor('libx264', 2));
  });

  test('processes that die soon after each other are counted; one that lasted, or gave it up in order, was no failure', async () => {
    expect(resumedFrom(await found(500, 1), { wallMs: 0, clockMs: 0 }).failures).toBe(2);
    expect(resumedFrom(await found(61_000, 2), { wallMs: 0, clockMs: 0 }).failures).toBe(0);
    expect(resumedFrom(await found(500, 2, true), { wallMs: 0, clockMs: 0 }).failures).toBe(0);
  });
});
