import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cell } from '../../src/layout/grid.ts';

const run = promisify(execFile);

export interface Picture {
  width: number;
  height: number;
  /** RGB, 3 bytes a pixel, row by row. */
  rgb: Buffer;
}

/** Decodes one picture of a file or URL with the system's ffmpeg. @param options ffmpeg input options, e.g. `['-ss', '3']` */
export async function grabPicture(
  input: string,
  width: number,
  height: number,
  options: string[] = [],
): Promise<Picture> {
  const { stdout } = await run(
    'ffmpeg',
    [
      '-v',
      'error',
      '-nostdin',
      ...options,
      '-i',
      input,
      '-frames:v',
      '1',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'rgb24',
      '-s',
      `${width}x${height}`,
      '-',
    ],
    { encoding: 'buffer', maxBuffer: width * height * 3 + 1024, timeout: 60_000 },
  );
  if (stdout.length !== width * height * 3) throw new Error(`no picture in ${input}: ${stdout.length} bytes`);
  return { width, height, rgb: stdout };
}

export type Colour = [red: number, green: number, blue: number];

/** Mean colour of the middle half of a cell. */
export function meanColour(picture: Picture, cell: Cell): Colour {
  const sum: Colour = [0, 0, 0];
  let pixels = 0;
  const x0 = Math.round(cell.x + cell.width / 4);
  const y0 = Math.round(cell.y + cell.height / 4);
  for (let y = y0; y < y0 + cell.height / 2; y++) {
    for (let x = x0; x < x0 + cell.width / 2; x++) {
      const at = (y * picture.width + x) * 3;
      for (const c of [0, 1, 2] as const) sum[c] += picture.rgb[at + c] ?? 0;
      pixels++;
    }
  }
  return sum.map((v) => Math.round(v / pixels)) as Colour;
}

/** Largest difference in one channel, 0 to 255. */
export const colourDistance = (a: Colour, b: Colour): number => Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? 0))));

export interface PacketInfo {
  ptsS: number;
  key: boolean;
}

/** Presentation times of a stream's packets, in file order. */
export async function packetsOf(input: string, stream: 'v' | 'a'): Promise<PacketInfo[]> {
  const { stdout } = await run(
    'ffprobe',
    [
      '-v',
      'error',
      '-select_streams',
      `${stream}:0`,
      '-show_entries',
      'packet=pts_time,flags',
      '-of',
      'csv=p=0',
      input,
    ],
    { maxBuffer: 64 << 20, timeout: 60_000 },
  );
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [pts = '', flags = ''] = line.split(',');
      return { ptsS: Number(pts), key: flags.startsWith('K') };
    });
}
