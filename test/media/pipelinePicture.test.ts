/** What a scene asks of the picture, seen in the program: through decoding, composing and encoding. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCanvas } from '@napi-rs/canvas';
import { describe, expect, test } from 'vitest';
import {
  camera,
  jobOf,
  microphone,
  near,
  PEERS,
  type Picture,
  pictures,
  runPipeline,
  sourceOf,
  videoFeed,
  vp8,
} from '../support/pipelineHarness.ts';

const WIDTH = 640;
const HEIGHT = 360;
/** BT.601, limited range. */
const RED = [81, 90, 240] as const;
const BLUE = [41, 240, 110] as const;
const SPEAKING = [156, 102, 55] as const;
const color = (name: string) => `color=${name}:s=640x360:r=30`;
const red = vp8(color('red'), 3);
const blue = vp8(color('blue'), 3);
const two = () => [sourceOf(camera(0)), sourceOf(camera(1))];
const feeds = async () => [...videoFeed(camera(0), await red), ...videoFeed(camera(1), await blue)];

async function lastOf(job: ReturnType<typeof jobOf>): Promise<Picture> {
  const { sink } = await runPipeline({ job, lastSegment: 0, video: await feeds() });
  const frame = pictures(sink.file('v360'), WIDTH, HEIGHT).at(-1);
  if (!frame) throw new Error('no picture');
  return frame;
}

describe('the picture', () => {
  test('round corners show the background, borders and the mark of who speaks stand inside the tile', async () => {
    const frame = await lastOf(
      jobOf([...two(), sourceOf(microphone(1))], {
        speaking: [PEERS[1]],
        scene: {
          background: '#808080',
          names: false,
          tiles: { gap: 0.04, radius: 0.2, border: { width: 0.03, color: '#ffffff' } },
        },
      }),
    );
    const grey = [126, 128, 128] as const;
    // Tiles from x = 14 and x = 328, 298 wide: a border 5 or so wide, then the picture.
    expect(near(frame.at(4, 180), grey)).toBe(true);
    expect(near(frame.at(18, 18), grey, 16)).toBe(true);
    expect(frame.at(18, 180)[0]).toBeGreaterThan(200);
    expect(near(frame.at(160, 180), RED)).toBe(true);
    expect(near(frame.at(480, 180), BLUE)).toBe(true);
    expect(near(frame.at(332, 180), SPEAKING, 30)).toBe(true);
  });

  test('names, a lower third and captions are where they belong', async () => {
    const bare = await lastOf(jobOf(two(), { scene: { names: false, marks: { muted: false } } }));
    const frame = await lastOf(
      jobOf(two(), {
        scene: { lowerThird: { title: 'Title', subtitle: 'And below' }, captions: 'What somebody says' },
      }),
    );
    /** How much of a rectangle is dark: the ground of text. */
    const dark = (of: Picture, left: number, top: number, right: number, bottom: number) => {
      let count = 0;
      for (let y = top; y < bottom; y += 2) for (let x = left; x < right; x += 2) if (of.at(x, y)[0] < 40) count += 4;
      return count / ((right - left) * (bottom - top));
    };
    // Captions are in the middle of the bottom, the lower third is above them at the left; names give way to neither.
    const captions = [260, 318, 380, 340] as const;
    const title = [44, 244, 76, 268] as const;
    const names = [10, 330, 60, 352] as const;
    expect([dark(bare, ...captions), dark(bare, ...title), dark(bare, ...names)]).toEqual([0, 0, 0]);
    expect(dark(frame, ...captions)).toBeGreaterThan(0.4);
    expect(dark(frame, ...title)).toBeGreaterThan(0.4);
    expect(dark(frame, ...names)).toBeGreaterThan(0.3);
    // The strip of the subtitle is light.
    const strip = Array.from({ length: 20 }, (_, i) => frame.at(42 + 2 * i, 284)[0]);
    expect(strip.filter((y) => y > 180).length).toBeGreaterThan(10);
    // The code of a simulated peer, in the middle of a tile, is as it was.
    for (const x of [160, 480]) expect(near(frame.at(x, 180), bare.at(x, 180))).toBe(true);
  });

  test('a change moves over its time: sources keep playing, no two frames are alike, and then it stands', async () => {
    const counting = await vp8('testsrc=s=640x360:r=30', 3);
    const { sink } = await runPipeline({
      job: jobOf(two()),
      lastSegment: 2,
      video: [...videoFeed(camera(0), counting), ...videoFeed(camera(1), await blue)],
      jobs: [{ atMs: 900, job: jobOf(two(), { fromFrame: 40, scene: { layout: { type: 'split', share: 0.8 } } }) }],
    });
    const frames = pictures(sink.file('v360'), WIDTH, HEIGHT);
    /** Where the blue tile begins. */
    const edge = (n: number) => {
      for (let x = 300; x < WIDTH - 2; x++) if (near(frames[n]?.at(x, 20) ?? [], BLUE, 30)) return x;
      return WIDTH;
    };
    const edges = Array.from({ length: 14 }, (_, i) => edge(38 + i));
    expect(edges.slice(0, 2).every((x) => Math.abs(x - 320) < 6)).toBe(true);
    // 300 ms are nine frames.
    for (let i = 2; i < 11; i++) expect(edges[i], `frame ${38 + i}`).toBeGreaterThan(edges[i - 1] ?? 0);
    expect(edges.slice(11).every((x) => Math.abs(x - 512) < 6)).toBe(true);
  });

  test('an image that comes later is shown as soon as it is there, and a broken one costs only itself', async () => {
    const canvas = createCanvas(60, 40);
    const context = canvas.getContext('2d');
    context.fillStyle = '#00ff00';
    context.fillRect(0, 0, 60, 40);
    const logo = canvas.toBuffer('image/png');
    const broken = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><g>');
    const idOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const server = createServer((request, response) => {
      const bytes = [logo, broken].find((file) => request.url === `/a/${idOf(file)}`);
      if (request.headers.authorization === 'Bearer token' && bytes) response.end(bytes);
      else response.writeHead(404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const assetsUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
      const scene = { logo: { image: idOf(logo), size: 0.2 }, backgroundImage: idOf(broken) };
      const job = jobOf(two(), { assetsUrl, scene });
      const { sink } = await runPipeline({ job, lastSegment: 0, video: await feeds() });
      const frames = pictures(sink.file('v360'), WIDTH, HEIGHT);
      const logoAt = (n: number) => near(frames[n]?.at(570, 50) ?? [], [145, 54, 34], 24);
      expect(logoAt(29)).toBe(true);
      expect(near(frames[29]?.at(570, 200) ?? [], BLUE)).toBe(true);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
