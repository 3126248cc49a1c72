/** How old the frames were when they arrived at the RTMP server: the recorded file, decoded, beside the times at which it grew. */
import { gridLayout } from '../../../src/layout/grid.ts';
import { decodeMedia } from '../../../test/support/program/decodeMedia.ts';
import { readTile } from '../../../test/support/program/readTile.ts';
import { FirstSeen } from './FirstSeen.ts';
import type { ArrivedFrame } from './FlvTail.ts';
import type { SentLog } from './SentLog.ts';

/** The first frames are what was held for the connection: the last GOP, sent at once. */
const SETTLE_MS = 5_000;

export async function rtmpAges(
  file: string,
  arrived: readonly ArrivedFrame[],
  peers: number,
  log: SentLog,
): Promise<FirstSeen> {
  const seen = new FirstSeen(log);
  const at = new Map(arrived.map(({ timestampMs, arrivedMs }) => [timestampMs, arrivedMs]));
  const from = (arrived[0]?.arrivedMs ?? 0) + SETTLE_MS;
  await decodeMedia(file, {
    onPicture(picture, seconds) {
      const arrivedMs = at.get(Math.round(seconds * 1000));
      if (arrivedMs === undefined || arrivedMs < from) return;
      for (const cell of gridLayout(peers, picture.width, picture.height)) {
        const { code } = readTile(picture, cell);
        if (code) seen.add(code.clip, code.counter, arrivedMs);
      }
    },
  });
  return seen;
}
