import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { bundle } from '../support/bundle.ts';
import { RtcTransport } from '../support/RtcPeer.ts';
import { SignalingStack, tokenFor } from '../support/SignalingStack.ts';

const PAGE = fileURLToPath(new URL('../support/chromiumPublisher.ts', import.meta.url));

test('Chromium’s simulcast layers follow the size at which they are shown', async () => {
  const stack = await SignalingStack.create();
  const chromium = await launchBrowser();
  try {
    const bob = await stack.join({ sub: 'bob' });
    const receiving = await RtcTransport.open(bob, 'recv');
    const page = await chromium.browser.newPage();
    await page.goto(`${stack.url}/`);
    await page.addScriptTag({ content: await bundle(PAGE) });
    const extensions = await page.evaluate(
      (token) =>
        (globalThis as never as { publisher: { publishCamera(t: string): Promise<string> } }).publisher.publishCamera(
          token,
        ),
      tokenFor({ sub: 'ann' }),
    );
    // Chromium offers it; the server does not take it.
    expect(extensions).toContain('abs-capture-time');
    const producer = stack.registry.get('demo')?.sources()[0]?.producer;
    expect(JSON.stringify(producer?.rtpParameters)).not.toContain('abs-capture-time');
    await bob.call('consumer:start', { transportId: receiving.id, rtpCapabilities: bob.joined.routerRtpCapabilities });
    const { id: consumerId, rtpParameters } = await bob.next('consumer:new');
    const { ssrc } = (rtpParameters as { encodings: { ssrc: number }[] }).encodings[0] as { ssrc: number };
    await bob.call('consumer:resume', { consumerId });
    for (const width of [320, 1280, 640, 320]) {
      const from = receiving.received.length;
      await bob.call('consumer:size', { consumerId, width, height: (width * 9) / 16 });
      await expect.poll(() => widthSince(receiving, ssrc, from), { timeout: 30_000, interval: 100 }).toBe(width);
    }
    await receiving.stop();
  } finally {
    await chromium.close();
    await stack.close();
  }
});

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
