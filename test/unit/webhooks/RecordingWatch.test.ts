import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../src/contracts/errors.ts';
import type { RecordingAbout, WebhookData, WebhookEventType } from '../../../src/contracts/webhooks.ts';
import { Database } from '../../../src/durable/Database.ts';
import { RecordingWatch } from '../../../src/webhooks/RecordingWatch.ts';

const ID = 'raaaaaaaaaaaa';
const BROADCAST = 'baaaaaaaaaaaa';
let database: Database;
let watch: RecordingWatch;
let told: string[];
let now: RecordingAbout | Error;
/** Resolves the next time that something was told. */
let onTold: (() => void) | undefined;

const recording = (state: RecordingAbout['state'], complete = true): RecordingAbout => ({
  ...{ id: ID, state, complete, reason: '' },
});

function start(): RecordingWatch {
  return new RecordingWatch({
    database,
    find: async () => {
      if (now instanceof Error) throw now;
      return now;
    },
    webhooks: {
      emit: <T extends WebhookEventType>(type: T, room: string, data: WebhookData<T>) => {
        const { broadcast, recording: about } = data as WebhookData<'recording.started'>;
        told.push(`${type} ${room} ${broadcast} ${about.state}`);
        onTold?.();
      },
      written: async () => {},
    },
    logger: pino({ level: 'silent' }),
    lookMs: 5,
  });
}
const next = () =>
  new Promise<void>((resolve) => {
    onTold = resolve;
  });
/** Looks are one after the other: when this one was told, those before it are over. */
async function noticed(over = false): Promise<void> {
  watch.noticed('demo', BROADCAST, ID, over);
  await new Promise((resolve) => setImmediate(resolve));
}
const line = (type: string, state: string) => `recording.${type} demo ${BROADCAST} ${state}`;
const rows = () => database.all('SELECT * FROM webhook_recordings').length;

beforeEach(() => {
  database = Database.inMemory();
  told = [];
  now = recording('recording');
  watch = start();
});
afterEach(async () => {
  await watch.close();
  database.close();
});

test('started once, finished once, long after its broadcast', async () => {
  for (let i = 0; i < 5; i++) await noticed();
  expect(told).toEqual([line('started', 'recording')]);
  now = recording('processing');
  await noticed(true);
  const finished = next();
  now = recording('finished');
  await finished;
  await expect.poll(rows).toBe(0);
  expect(told).toEqual([line('started', 'recording'), line('finished', 'finished')]);
});

test('what could not be written is told at once, and at the end instead of finished', async () => {
  await noticed();
  now = recording('recording', false);
  await noticed();
  await noticed();
  now = recording('processing', false);
  await noticed(true);
  const last = next();
  now = recording('incomplete', false);
  await last;
  expect(told.slice(1)).toEqual([line('incomplete', 'recording'), line('incomplete', 'incomplete')]);
});

test('one that has not begun is not told; one that fails is', async () => {
  now = new AppError('not-found');
  await noticed();
  expect([told, rows()]).toEqual([[], 1]);
  const failed = next();
  now = recording('failed', false);
  await noticed(true);
  await failed;
  expect(told).toEqual([line('failed', 'failed')]);
});

test('one that was deleted, or never began, is forgotten when its broadcast is over', async () => {
  now = new AppError('not-found');
  await noticed(true);
  await expect.poll(rows).toBe(0);
  expect(told).toEqual([]);
});

describe('whoever is killed', () => {
  test('delivery is away: it is asked again until it is back', async () => {
    await noticed();
    now = new Error('ECONNREFUSED');
    await noticed(true);
    expect(rows()).toBe(1);
    const finished = next();
    now = recording('finished');
    await finished;
    expect(told.at(-1)).toBe(line('finished', 'finished'));
  });

  test('this process: the next one goes on, and tells nothing twice', async () => {
    await noticed();
    await watch.close();
    expect(told).toHaveLength(1);
    watch = start();
    const finished = next();
    now = recording('finished');
    await finished;
    expect(told).toEqual([line('started', 'recording'), line('finished', 'finished')]);
  });
});

test('after close nothing is told', async () => {
  await watch.close();
  await watch.close();
  await noticed();
  expect(told).toEqual([]);
});
