/** docs/webhooks.md: its table is the contracts', its example is an event, and its two receivers work with what the server really sends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fillEvents } from '../../../scripts/webhookTable.ts';
import { Secret } from '../../../src/common/Secret.ts';
import { SIGNATURE_HEADER, WEBHOOK_EVENTS, WebhookEvent, WebhookInput } from '../../../src/contracts/webhooks.ts';
import { sign } from '../../../src/webhooks/signature.ts';
import { freePort } from '../../support/freePorts.ts';
import { WebhookRig } from '../../support/webhooks/webhookRig.ts';

const text = readFileSync(new URL('../../../docs/webhooks.md', import.meta.url), 'utf8');
const block = (language: string): string =>
  text.match(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm'))?.[1] ?? '';

test('its table of events is that of the contracts (node scripts/webhookTable.ts --write)', () => {
  expect(text).toBe(fillEvents(text));
});

test('its example is an event, and its request one that the API takes', () => {
  const event = WebhookEvent.parse(JSON.parse(block('json')));
  expect(WEBHOOK_EVENTS[event.type].data.safeParse(event.data)).toMatchObject({ success: true });
  const body = text.match(/-d '(\{.*\})'/)?.[1] ?? '';
  expect(WebhookInput.safeParse(JSON.parse(body))).toMatchObject({ success: true });
});

describe.each([
  ['js', 'receiver.mjs', process.execPath],
  ['python', 'receiver.py', 'python3'],
])('the receiver in %s', (language, file, program) => {
  let rig: WebhookRig;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    rig = await WebhookRig.start();
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await rig.close();
  });

  test('accepts what is ours, once each, and refuses what is changed, old or not signed', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const secret = await rig.put('docs', url);
    const path = join(rig.folder, file);
    writeFileSync(path, block(language));
    const env = { PATH: process.env.PATH, WEBHOOK_SECRET: secret, PORT: String(port) };
    child = spawn(program, [path], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    // It listens some time later; until then webhooks are tried again, as they are in life.
    rig.emit('demo', 'Ann');
    rig.emit('demo', 'Bob');
    expect((await lines.next()).value).toBe('demo 1 peer.joined');
    expect((await lines.next()).value).toBe('demo 2 peer.joined');

    const post = async (body: string, header?: string): Promise<number> =>
      (await fetch(url, { method: 'POST', body, headers: header ? { [SIGNATURE_HEADER]: header } : {} })).status;
    const keys = [new Secret('another'), new Secret(secret)];
    const body = JSON.stringify({ id: 'w0', room: 'forged', sequence: 1, type: 'room.opened' });
    expect(await post(body)).toBe(400);
    expect(await post(body, 'nonsense')).toBe(400);
    expect(await post(body, sign(body, [new Secret('another')], Date.now()))).toBe(400);
    expect(await post(`${body} `, sign(body, keys, Date.now()))).toBe(400);
    expect(await post(body, sign(body, keys, Date.now() - 400_000))).toBe(400);
    const twice = JSON.stringify({ id: 'w1', room: 'both', sequence: 3, type: 'room.opened' });
    expect(await post(twice, sign(twice, keys, Date.now()))).toBe(204);
    expect(await post(twice, sign(twice, keys, Date.now()))).toBe(204);
    const last = JSON.stringify({ id: 'w2', room: 'last', sequence: 4, type: 'room.closed' });
    expect(await post(last, sign(last, keys, Date.now()))).toBe(204);
    expect((await lines.next()).value).toBe('both 3 room.opened');
    expect((await lines.next()).value).toBe('last 4 room.closed');
  });
});
