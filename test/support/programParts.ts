/** Real parts of a test program, cut on the grid as a compositor cuts them: test picture with a counter, and a tone. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO, CodecParameters, FFmpegError, FormatContext, Packet } from 'node-av';
import { Fragmenter } from '../../compositor/output/Fragmenter.ts';
import { audioFrameAtOrAfter, audioFramesOfPart, Grid, partsPerSegment } from '../../src/contracts/grid.ts';
import type { Rendition } from '../../src/contracts/job.ts';

const run = promisify(execFile);
const CLIP_SEGMENTS = 3;
const VIDEO_BITRATE = 400_000;
const AUDIO_BITRATE = 64_000;

export const GRID: Grid = Grid.parse({});
export const VIDEO = 'v180';
export const AUDIO = 'a0';
export const RENDITIONS: Rendition[] = [
  { id: VIDEO, kind: 'video', width: 320, height: 180, bitrate: VIDEO_BITRATE },
  { id: AUDIO, kind: 'audio', bitrate: AUDIO_BITRATE },
];

/** Of a clip's picture. */
export interface ClipPicture {
  width: number;
  height: number;
  bitrate: number;
}
export const SMALL: ClipPicture = { width: 320, height: 180, bitrate: VIDEO_BITRATE };

interface Track {
  parameters: CodecParameters;
  packets: Packet[];
}

/** One run of a program from `firstSegment` on; another run over the same clip has byte-equal init segments, as successors have. */
export class ProgramRun {
  readonly #clip: TestClip;
  readonly #video: Fragmenter;
  readonly #audio: Fragmenter;
  #segment: number;
  #part = 0;

  constructor(clip: TestClip, firstSegment: number) {
    this.#clip = clip;
    this.#segment = firstSegment;
    this.#video = clip.fragmenter('video', firstSegment);
    this.#audio = clip.fragmenter('audio', firstSegment);
  }

  /** The next part on the grid. */
  next(): { segment: number; part: number; video: Buffer; audio: Buffer } {
    const segment = this.#segment;
    const part = this.#part;
    const start = segment * GRID.framesPerSegment + part * GRID.framesPerPart;
    for (let frame = start; frame < start + GRID.framesPerPart; frame++) this.#clip.write(this.#video, 'video', frame);
    const { first, count } = audioFramesOfPart(GRID, segment, part);
    for (let frame = first; frame < first + count; frame++) this.#clip.write(this.#audio, 'audio', frame);
    this.#part += 1;
    if (this.#part === partsPerSegment(GRID)) {
      this.#part = 0;
      this.#segment += 1;
    }
    return { segment, part, video: this.#video.cut(), audio: this.#audio.cut() };
  }

  close(): void {
    this.#video.close();
    this.#audio.close();
  }
}

export class TestClip {
  readonly inits: { video: Buffer; audio: Buffer };
  /** One segment's worth, at time 0; its picture is the clip's own beginning. */
  readonly slate: { video: Buffer; audio: Buffer };
  readonly #tracks: { video: Track; audio: Track };

  private constructor(tracks: { video: Track; audio: Track }, slate: TestClip | undefined) {
    this.#tracks = tracks;
    const video = this.fragmenter('video', 0);
    const audio = this.fragmenter('audio', 0);
    this.inits = { video: video.init, audio: audio.init };
    const source = slate ?? this;
    for (let frame = 0; frame < GRID.framesPerSegment; frame++) source.write(video, 'video', frame);
    for (let frame = 0; frame < audioFrameAtOrAfter(GRID, GRID.framesPerSegment); frame++)
      source.write(audio, 'audio', frame);
    this.slate = { video: video.cut(), audio: audio.cut() };
    video.close();
    audio.close();
  }

  /** `picture` is an ffmpeg lavfi source without size and rate, `sound` one without sample rate. The slate is black and silent. */
  static async make(picture = 'testsrc2', sound = 'sine=f=440', size = SMALL): Promise<TestClip> {
    const slate = new TestClip(await encode('color=c=black', 'anullsrc=cl=mono', size), undefined);
    const clip = new TestClip(await encode(picture, sound, size), slate);
    slate.close();
    return clip;
  }

  fragmenter(kind: 'video' | 'audio', firstSegment: number): Fragmenter {
    const parameters = new CodecParameters();
    parameters.alloc();
    FFmpegError.throwIfError(this.#tracks[kind].parameters.copy(parameters), 'parameters');
    return new Fragmenter({
      parameters,
      bitrate: kind === 'video' ? VIDEO_BITRATE : AUDIO_BITRATE,
      timeBase: kind === 'video' ? GRID.fps : GRID.sampleRate,
      firstSequence: 1 + firstSegment * partsPerSegment(GRID),
    });
  }

  /** Writes the clip's frame for frame number `frame` of the grid; the clip repeats. */
  write(into: Fragmenter, kind: 'video' | 'audio', frame: number): void {
    const { packets } = this.#tracks[kind];
    const packet = packets[frame % packets.length]?.clone();
    if (!packet) throw new Error('the clip is empty');
    if (kind === 'video') into.write(packet, frame, 1);
    else into.write(packet, frame * 1024, 1024);
    packet.free();
  }

  close(): void {
    for (const { packets, parameters } of Object.values(this.#tracks)) {
      for (const packet of packets) packet.free();
      parameters.free();
    }
  }
}

async function encode(picture: string, sound: string, size: ClipPicture): Promise<{ video: Track; audio: Track }> {
  const folder = await mkdtemp(join(tmpdir(), 'lianmai-clip-'));
  const file = join(folder, 'clip.mp4');
  const seconds = String((CLIP_SEGMENTS * GRID.framesPerSegment) / GRID.fps);
  const join2 = (source: string, options: string): string => `${source}${source.includes('=') ? ':' : '='}${options}`;
  try {
    await run('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', join2(picture, `s=${size.width}x${size.height}:r=${GRID.fps}`)],
      ...['-f', 'lavfi', '-i', join2(sound, `r=${GRID.sampleRate}`), '-t', seconds, '-ac', '2', '-pix_fmt', 'yuv420p'],
      ...[
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-tune',
        'zerolatency',
        '-profile:v',
        'main',
        '-b:v',
        String(size.bitrate),
      ],
      ...['-g', String(GRID.framesPerSegment), '-sc_threshold', '0', '-bf', '0', '-threads', '1'],
      ...['-c:a', 'aac', '-b:a', String(AUDIO_BITRATE), file],
    ]);
    return await readPackets(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readPackets(file: string): Promise<{ video: Track; audio: Track }> {
  const format = new FormatContext();
  FFmpegError.throwIfError(await format.openInput(file), file);
  await format.findStreamInfo();
  const packet = new Packet();
  packet.alloc();
  const pick = (type: number): { index: number; track: Track } => {
    const index = format.findBestStream(type as never);
    const parameters = new CodecParameters();
    parameters.alloc();
    const stream = format.streams[index];
    if (!stream) throw new Error('the clip has no such stream');
    FFmpegError.throwIfError(stream.codecpar.copy(parameters), 'parameters');
    return { index, track: { parameters, packets: [] } };
  };
  const video = pick(AVMEDIA_TYPE_VIDEO);
  const audio = pick(AVMEDIA_TYPE_AUDIO);
  while (format.readFrameSync(packet) >= 0) {
    const found = [video, audio].find((s) => s.index === packet.streamIndex);
    const copy = packet.clone();
    if (found && copy) found.track.packets.push(copy);
    packet.unref();
  }
  packet.free();
  await format.closeInput();
  // The clip repeats by whole GOPs: what the muxer padded at the end is left out.
  video.track.packets.splice(CLIP_SEGMENTS * GRID.framesPerSegment);
  return { video: video.track, audio: audio.track };
}
