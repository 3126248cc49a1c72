import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const run = promisify(execFile);

/** Debian's chromium, without what would go out into the network. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

export interface TestBrowser {
  browser: Browser;
  close(): Promise<void>;
}

/**
 * Starts a Chromium of its own whose fake camera shows one colour.
 * @param colour an ffmpeg colour name or `0xRRGGBB`; without one Chromium's own test picture is the camera.
 */
export async function launchBrowser(
  options: {
    colour?: string;
    width?: number;
    height?: number;
    fps?: number;
    flags?: string[];
    /** Of our own flags, the ones to leave out. */
    without?: string[];
  } = {},
): Promise<TestBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-browser-'));
  const flags = [...FLAGS.filter((flag) => !options.without?.includes(flag)), ...(options.flags ?? [])];
  if (options.colour) {
    const file = join(folder, 'camera.y4m');
    await makeCameraFile(file, options.colour, options.width ?? 640, options.height ?? 360, options.fps ?? 15);
    flags.push(`--use-file-for-fake-video-capture=${file}`);
  }
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: flags });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One second of one colour with a moving grey bar at the foot, so that the encoder has something to do. */
async function makeCameraFile(file: string, colour: string, width: number, height: number, fps: number): Promise<void> {
  const bar = `color=c=gray:s=${Math.round(width / 8)}x${Math.round(height / 12)}:r=${fps}`;
  await run('ffmpeg', [
    ...[
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      `color=c=${colour}:s=${width}x${height}:r=${fps}`,
      '-f',
      'lavfi',
      '-i',
      bar,
    ],
    ...['-filter_complex', `[0][1]overlay=x='t*${width}':y=H-h`, '-t', '1', '-pix_fmt', 'yuv420p', file],
  ]);
}
