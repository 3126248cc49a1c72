/** Other people's readers of HLS, and what they complain of. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import hlsParser from 'hls-parser';
import { eventually } from '../ServerProcess.ts';

/** What is used of m3u8-parser, which comes without types. */
interface M3u8Parser {
  manifest: { segments?: unknown[] };
  on(event: 'warn' | 'error', listener: (told: { message: string }) => void): void;
  push(text: string): void;
  end(): void;
}
const { Parser } = createRequire(import.meta.url)('m3u8-parser') as { Parser: new () => M3u8Parser };

const run = promisify(execFile);
/** A reader that is at a live program's pace, on a busy machine, ms. */
const LIMIT_MS = 40_000;

/** `hls-parser` in strict mode: throws at the first breach; else how many segments there are, 0 for a multivariant playlist. */
export function hlsParserOn(text: string): number {
  hlsParser.setOptions({ strictMode: true });
  const playlist = hlsParser.parse(text);
  return playlist.isMasterPlaylist ? 0 : (playlist as { segments: unknown[] }).segments.length;
}

export interface M3u8Reading {
  complaints: string[];
  segments: number;
}

export function m3u8ParserOn(text: string): M3u8Reading {
  const parser = new Parser();
  const complaints: string[] = [];
  for (const event of ['warn', 'error'] as const) parser.on(event, ({ message }) => complaints.push(message));
  parser.push(text);
  parser.end();
  return { complaints, segments: parser.manifest.segments?.length ?? 0 };
}

export interface ProbedStream {
  codec_name: string;
  width?: number;
  height?: number;
}

/** ffprobe with its warnings as complaints. It looks at the newest three segments. */
export async function ffprobeOn(url: string): Promise<{ complaints: string; streams: ProbedStream[] }> {
  const { stdout, stderr } = await run(
    'ffprobe',
    ['-v', 'warning', '-show_entries', 'stream=codec_name,width,height', '-of', 'json', url],
    { timeout: LIMIT_MS },
  );
  return { complaints: stderr.trim(), streams: (JSON.parse(stdout) as { streams: ProbedStream[] }).streams };
}

export interface GstreamerReading {
  complaints: string[];
  /** Files with what each of the demultiplexer's streams gave: an init segment, and fragments from somewhere on. */
  files: string[];
}

/** GStreamer's `hlsdemux`, video and audio, until each stream has given this many bytes. */
export async function gstreamerOn(url: string, folder: string, bytes: number): Promise<GstreamerReading> {
  const files = [0, 1].map((stream) => join(folder, `stream-${stream}.mp4`));
  const branches = files.map((file, i) => `d.src_${i} ! queue ! filesink buffer-mode=unbuffered location=${file}`);
  const pipeline = `souphttpsrc location=${url} ! hlsdemux name=d ${branches.join(' ')}`;
  const child = spawn('gst-launch-1.0', pipeline.split(' '), { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      if (/^(WARNING|ERROR)\b|\bCRITICAL\b/.test(line)) complaints.push(line);
    });
  }
  const closed = new Promise<void>((resolve, reject) => child.once('close', () => resolve()).once('error', reject));
  const enough = () => files.every((file) => existsSync(file) && statSync(file).size >= bytes);
  try {
    await eventually(() => complaints.length > 0 || enough(), `hlsdemux has given ${bytes} bytes a stream`, LIMIT_MS);
  } finally {
    child.kill();
    await closed;
  }
  return { complaints, files };
}
