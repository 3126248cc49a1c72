import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { VideoDecoder } from '../../compositor/decode/VideoDecoder.ts';
import { videoCodec } from '../../compositor/ingest/depacketize/codecs.ts';
import type { EncodedVideo } from '../../compositor/types.ts';
import { launchBrowser } from '../support/browser.ts';
import { bundle } from '../support/bundle.ts';
import type { PublishedCodec } from '../support/chromiumPublisher.ts';
import { RtcTransport } from '../support/RtcPeer.ts';
import { SignalingStack, tokenFor } from '../support/SignalingStack.ts';

const PAGE = fileURLToPath(new URL('../support/chromiumPublisher.ts', import.meta.url));
const ORIENTATION = 'urn:3gpp:video-orientation';
/** What the SFU may take away of a layer's frames within this many pictures is no layer switch that failed. */
const PICTURES = 30;

let stack: SignalingStack;
let chromium: Awaited<ReturnType<typeof launchBrowser>>;
beforeAll(async () => {
  [stack, chromium] = await Promise.all([SignalingStack.create(), launchBrowser()]);
});
afterAll(async () => {
  await chromium?.close();
  await stack?.close();
});

const roomOf = (codec: PublishedCodec): string => codec.toLowerCase().replaceAll(' ', '-');

/** Chromium sends its camera as ann until the test is over; answers its RTP parameters. Each codec has a room of its own. */
async function publish(codec: PublishedCodec): Promise<string> {
  const page = await chromium.browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(`${stack.url}/`);
  await page.addScriptTag({ content: await bundle(PAGE) });
  return page.evaluate(
    ([token, name]) =>
      (
        globalThis as never as { publisher: { publishCamera(t: string, c: string): Promise<string> } }
      ).publisher.publishCamera(token, name),
    [tokenFor({ sub: 'ann', room: roomOf(codec) }), codec] as const,
  );
}

/** Bob receives it. `show`: the width at which he shows it. */
async function watch(
  codec: PublishedCodec,
): Promise<{ receiving: RtcTransport; ssrc: number; show(width: number): Promise<void> }> {
  const bob = await stack.join({ sub: 'bob', room: roomOf(codec) });
  onTestFinished(() => bob.close());
  const receiving = await RtcTransport.open(bob, 'recv');
  await bob.call('consumer:start', { transportId: receiving.id, rtpCapabilities: bob.joined.routerRtpCapabilities });
  const { id: consumerId, rtpParameters } = await bob.next('consumer:new');
  const { ssrc } = (rtpParameters as { encodings: { ssrc: number }[] }).encodings[0] as { ssrc: number };
  await bob.call('consumer:resume', { consumerId });
  const show = (width: number) => bob.call('consumer:size', { consumerId, width, height: (width * 9) / 16 });
  return { receiving, ssrc, show: async (width) => void (await show(width)) };
}

describe('Chromium', () => {
  test('simulcast layers follow the size at which they are shown', async () => {
    const parameters = await publish('VP8');
    // Chromium offers it; the server does not take it.
    expect(parameters).toContain('abs-capture-time');
    const producer = stack.registry.get(roomOf('VP8'))?.sources()[0]?.producer;
    expect(JSON.stringify(producer?.rtpParameters)).not.toContain('abs-capture-time');
    const { receiving, ssrc, show } = await watch('VP8');
    for (const width of [320, 1280, 640, 320]) {
      const from = receiving.received.length;
      await show(width);
      await expect.poll(() => widthSince(receiving, ssrc, from), { timeout: 30_000, interval: 100 }).toBe(width);
    }
    await receiving.stop();
  });

  test('takes VP8 by itself, and turns its pictures itself', async () => {
    const parameters = JSON.parse(await publish('the first')) as { codecs: { mimeType: string }[] };
    expect(parameters.codecs[0]?.mimeType).toBe('video/VP8');
    expect(JSON.stringify(parameters)).not.toContain(ORIENTATION);
  });

  test.each(['VP9', 'AV1'] as const)(
    'layers inside one stream of %s follow the size, and decode without a fault',
    async (codec) => {
      const parameters = await publish(codec);
      expect(parameters).toContain(`video/${codec}`);
      expect(stack.registry.get(roomOf(codec))?.sources()[0]?.producer.type).toBe('svc');
      const { receiving, ssrc, show } = await watch(codec);
      const reader = await PictureReader.create(`video/${codec}`, ssrc, receiving);
      const widths = [320, 1280, 640, 320];
      for (const width of widths) {
        await show(width);
        await reader.until(width, PICTURES);
      }
      expect(reader.faults).toEqual([]);
      expect(reader.cut).toBeLessThanOrEqual(widths.length);
      await reader.close();
      await receiving.stop();
    },
  );
});

/** Depacketizes and decodes a received stream as ingest and decode do: behind a frame that is not whole it waits for a key frame. */
class PictureReader {
  readonly faults: string[] = [];
  /** How often the SFU cut a frame off at a layer switch. */
  cut = 0;
  readonly #decoder: VideoDecoder;
  readonly #mime: EncodedVideo['mime'];
  readonly #ssrc: number;
  readonly #receiving: RtcTransport;
  readonly #codec;
  #at = 0;
  #payloads: Buffer[] = [];
  #sequence: number | null = null;
  #started = false;
  #n = 0;

  private constructor(mime: EncodedVideo['mime'], ssrc: number, receiving: RtcTransport, decoder: VideoDecoder) {
    this.#mime = mime;
    this.#ssrc = ssrc;
    this.#receiving = receiving;
    this.#decoder = decoder;
    this.#codec = videoCodec({ mime, fmtp: {} })!.codec;
  }

  static async create(mime: EncodedVideo['mime'], ssrc: number, receiving: RtcTransport): Promise<PictureReader> {
    return new PictureReader(mime, ssrc, receiving, await VideoDecoder.create(mime));
  }

  /** Resolves when `count` pictures in a row are that wide. */
  async until(width: number, count: number): Promise<void> {
    let inARow = 0;
    const look = async (): Promise<boolean> => {
      for (const picture of await this.#read()) inARow = picture === width ? inARow + 1 : 0;
      return inARow >= count;
    };
    await expect.poll(look, { timeout: 60_000, interval: 100 }).toBe(true);
  }

  async close(): Promise<void> {
    this.#decoder.close();
  }

  async #read(): Promise<number[]> {
    const widths: number[] = [];
    for (; this.#at < this.#receiving.received.length; this.#at++) {
      const packet = this.#receiving.received[this.#at];
      if (packet?.header.ssrc !== this.#ssrc || packet.payload.length === 0) continue;
      const { sequenceNumber, marker } = packet.header;
      if (this.#sequence !== null && sequenceNumber !== ((this.#sequence + 1) & 0xffff)) this.faults.push('a hole');
      this.#sequence = sequenceNumber;
      this.#payloads.push(packet.payload);
      if (marker) widths.push(...(await this.#decode(this.#payloads.splice(0))));
    }
    return widths;
  }

  async #decode(payloads: Buffer[]): Promise<number[]> {
    const frame = this.#codec.assemble(payloads);
    this.#started ||= frame?.keyFrame ?? false;
    if (!this.#started) return [];
    if (!frame?.continuous) return this.#startAnew();
    const playoutMs = this.#n++;
    const pictures = await this.#decoder
      .decode({ ...frame, source: 'pann.camera', mime: this.#mime, rtp: playoutMs, playoutMs })
      .catch((error: Error): null => {
        this.faults.push(error.message);
        return null;
      });
    if (!pictures) return this.#startAnew();
    for (const picture of pictures) picture.frame.free();
    return pictures.map((picture) => picture.width);
  }

  async #startAnew(): Promise<[]> {
    this.cut++;
    this.#started = false;
    await this.#receiving.requestKeyFrame(this.#ssrc);
    return [];
  }
}

/** Width of the newest VP8 key frame on this SSRC (RFC 7741 sections 4.2 and 4.3). */
function widthSince({ received }: RtcTransport, ssrc: number, from: number): number | undefined {
  for (let i = received.length - 1; i >= from; i--) {
    const packet = received[i];
    if (packet?.header.ssrc !== ssrc) continue;
    const p = packet.payload;
    const [first = 0] = p;
    // Not the first packet of a frame.
    if ((first & 0x1f) !== 0x10) continue;
    let at = 1;
    if (first & 0x80) {
      const x = p[at++] as number;
      if (x & 0x80) at += (p[at] as number) & 0x80 ? 2 : 1;
      if (x & 0x40) at++;
      if (x & 0x30) at++;
    }
    if (p.length < at + 10 || (p[at] as number) & 1) continue;
    return p.readUInt16LE(at + 6) & 0x3fff;
  }
  return undefined;
}
