/**
 * Chromium's microphone → SFU → the broadcast's tap → a lossy hop → ingest → decoder. The loss that ingest reports goes back through mediasoup to the
 * browser, whose encoder then sends each piece of voice once more in the packet behind it; what stays lost is taken from there.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AudioSource } from '../../compositor/decode/AudioSource.ts';
import { redundantSamples } from '../../compositor/decode/opusRedundancy.ts';
import { MediaIngest } from '../../compositor/ingest/MediaIngest.ts';
import { MediaTap } from '../../src/broadcast/MediaTap.ts';
import { monotonicClock } from '../../src/common/clock.ts';
import { createLogger } from '../../src/common/logger.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { bundle } from '../support/bundle.ts';
import { type HopDamage, LossyHop } from '../support/ingest/LossyHop.ts';
import { SignalingStack, tokenFor } from '../support/SignalingStack.ts';
import { speech } from '../support/sound/speech.ts';
import { wavOf } from '../support/sound/wavOf.ts';

const PAGE = fileURLToPath(new URL('../support/chromiumPublisher.ts', import.meta.url));
const logger = createLogger({ level: 'silent' });
const LOSS = 0.3;
/** Each way, ms: what is asked for again comes after the longest playout delay (400 ms), so that what is lost stays lost. */
const DELAY_MS = 250;
const FAR: HopDamage = { loss: 0, delayMs: DELAY_MS, jitterMs: 0 };
const WAIT = { timeout: 40_000, interval: 50 };

let folder: string;
let stack: SignalingStack;
let chromium: TestBrowser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lianmai-voice-'));
  const file = join(folder, 'voice.wav');
  await writeFile(file, wavOf(speech(20, 7)));
  stack = await SignalingStack.create();
  chromium = await launchBrowser({ flags: [`--use-file-for-fake-audio-capture=${file}`] });
});
afterAll(async () => {
  await chromium?.close();
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

test('Chromium hears of the loss, sends voice twice, and what was lost comes from the second', {
  timeout: 90_000,
}, async () => {
  const page = await chromium.browser.newPage();
  await page.goto(`${stack.url}/`);
  await page.addScriptTag({ content: await bundle(PAGE) });
  const parameters = await page.evaluate(
    (token) =>
      (
        globalThis as never as { publisher: { publishMicrophone(token: string): Promise<string> } }
      ).publisher.publishMicrophone(token),
    tokenFor({ sub: 'ann' }),
  );
  expect(JSON.parse(parameters)).toMatchObject({ codecs: [{ parameters: { useinbandfec: 1, usedtx: 1 } }] });

  const hop = await LossyHop.create();
  hop.damage = FAR;
  const ingest = await MediaIngest.create({
    ...{ ip: '127.0.0.1', portRange: [0, 0] as const, clock: { nowMs: () => performance.now() }, logger },
  });
  hop.to(ingest.port);
  const room = stack.registry.get('demo')!;
  const tap = await MediaTap.create({
    ...{ router: room.router, mediaIp: '127.0.0.1', clock: monotonicClock, logger },
    compositor: { ip: hop.ip, port: hop.port, srtpParameters: ingest.srtpParameters },
  });
  const { wiring } = await tap.sync(room.sources());
  const [source] = wiring;
  ingest.connect({ ip: hop.ip, port: hop.port, srtpParameters: tap.side.srtpParameters });
  ingest.setSources(wiring);
  const microphone = await AudioSource.create({ id: source!.id, logger });
  let [packets, recovered] = [0, 0];
  ingest.on('audio', (packet) => {
    const before = microphone.stats().recovered;
    microphone.write(packet);
    packets += 1;
    const fromBehind = redundantSamples(packet.data) > 0 && microphone.stats().recovered > before;
    if (fromBehind) recovered += 1;
  });
  tap.release([source!.ssrc]);

  await expect.poll(() => packets, WAIT).toBeGreaterThan(100);
  hop.damage = { ...FAR, loss: LOSS };
  await expect.poll(() => recovered, WAIT).toBeGreaterThan(3);
  expect(microphone.stats().dropped).toBe(0);

  microphone.close();
  ingest.close();
  tap.close();
  hop.close();
});
