import { execFile } from 'node:child_process';

export interface Decoded {
  /** Decode times of the packets that ffprobe reads, s. */
  times: number[];
  /** What ffmpeg says when it decodes them all; empty when nothing is wrong. */
  complaints: string;
}

/** Reads an MP4 of one track. */
export async function decodeMedia(bytes: Buffer): Promise<Decoded> {
  const input = ['-f', 'mp4', '-i', 'pipe:0'];
  const show = ['-show_entries', 'packet=dts_time', '-of', 'csv=p=0'];
  const packets = await run('ffprobe', ['-v', 'error', ...show, ...input], bytes);
  const decoded = await run('ffmpeg', ['-v', 'warning', ...input, '-f', 'null', '-'], bytes);
  return { times: packets.out.trim().split('\n').map(Number.parseFloat), complaints: decoded.err };
}

function run(command: string, args: string[], input: Buffer): Promise<{ out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 1 << 24 }, (error, out, err) =>
      error ? reject(error) : resolve({ out, err }),
    );
    child.stdin?.end(input);
  });
}
