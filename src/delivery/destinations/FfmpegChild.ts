/**
 * One ffmpeg child that copies the program from its stdin to one output. It ends when its stdin does, so none is left behind when this
 * process is killed.
 */
import { PassThrough } from 'node:stream';
import type { FfmpegCommand } from 'fluent-ffmpeg';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import { newFfmpegCommand } from '../ffmpegCommand.ts';
import { withoutSecrets } from './destinationUrl.ts';
import type { PresetFiles } from './PresetFiles.ts';

/** Lines of stderr that are kept for a failure's report. */
const KEPT_LINES = 100;
/** How long ffmpeg may take to flush and say goodbye after its stdin ended, ms; then SIGTERM, then SIGKILL. */
const FLUSH_LIMIT_MS = 3000;
const TERM_LIMIT_MS = 1500;

export interface FfmpegOutput {
  format: 'flv' | 'mpegts';
  /** Without secrets: it stands in the argument list. */
  url: string;
  /** The protocols that the output needs; nothing else can be opened. */
  protocols: string;
  /** Options with secrets: in a file that only we can read. */
  secretOptions: Record<string, string>;
}

interface ChildEvents {
  /** The output is open: the server has accepted the stream. */
  opened: [];
  /** Write again. */
  drain: [];
  /** Exactly once. `exited` has the exit code or signal in words. */
  closed: [reason: string];
}

export class FfmpegChild extends TypedEmitter<ChildEvents> {
  readonly #command: FfmpegCommand;
  readonly #input = new PassThrough({ highWaterMark: 64 * 1024 });
  readonly #presets: PresetFiles;
  readonly #presetPath: string;
  readonly #secrets: readonly string[];
  readonly #lines: string[] = [];
  #state: 'starting' | 'opened' | 'closing' | 'closed' = 'starting';
  #closing: Promise<void> | undefined;
  #killed = false;

  private constructor(
    path: string,
    output: FfmpegOutput,
    presets: PresetFiles,
    presetPath: string,
    secrets: readonly string[],
  ) {
    super();
    this.#presets = presets;
    this.#presetPath = presetPath;
    this.#secrets = secrets;
    this.#command = buildCommand(path, this.#input, output, presetPath);
  }

  static async start(options: {
    ffmpegPath: string;
    output: FfmpegOutput;
    presets: PresetFiles;
    secrets: readonly string[];
  }): Promise<FfmpegChild> {
    const { ffmpegPath, output, presets, secrets } = options;
    const presetPath = await presets.write(output.secretOptions);
    const child = new FfmpegChild(ffmpegPath, output, presets, presetPath, secrets);
    child.#run();
    return child;
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** Of the running process; undefined before it runs and after it ended. */
  get pid(): number | undefined {
    return (this.#command as unknown as { ffmpegProc?: { pid?: number } }).ffmpegProc?.pid;
  }

  /** The last lines of stderr, without secrets. */
  get stderr(): readonly string[] {
    return this.#lines;
  }

  /** The newest line that tells what went wrong; empty when none does. */
  get complaint(): string {
    const line = this.#lines.findLast((l) => /error|fail|refused|denied|unauthori|invalid|not found|already/i.test(l));
    return (line ?? '').replace(/^\[[^\]]*\]\s*/, '').slice(0, 200);
  }

  /** False: wait for `drain` before writing more. */
  write(bytes: Buffer): boolean {
    if (this.#state === 'closing' || this.#state === 'closed') return true;
    return this.#input.write(bytes);
  }

  /** Ends the stream cleanly, within limits. Idempotent; resolves when the process is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends it now. */
  kill(): void {
    this.#killed = true;
    if (this.#state !== 'closed') this.#signal('SIGKILL');
  }

  async #close(): Promise<void> {
    if (this.#state === 'closed') return;
    const gone = new Promise<void>((resolve) => this.once('closed', () => resolve()));
    this.#state = 'closing';
    this.#input.end();
    const term = setTimeout(() => this.#signal('SIGTERM'), FLUSH_LIMIT_MS);
    const kill = setTimeout(() => this.kill(), FLUSH_LIMIT_MS + TERM_LIMIT_MS);
    await gone;
    clearTimeout(term);
    clearTimeout(kill);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) this.#command.kill(signal);
  }

  #run(): void {
    this.#input.on('drain', () => this.emit('drain'));
    // It looks for ffmpeg's abilities first: told to end meanwhile, it ends as soon as it runs.
    this.#command.on('start', () => {
      if (this.#killed) this.#signal('SIGKILL');
    });
    this.#command.on('stderr', (line: string) => this.#read(line));
    this.#command.on('error', (error: NodeJS.ErrnoException) => {
      const noProcess = error.code === 'ENOENT' || error.code === 'EACCES' || error.code === 'EAGAIN';
      this.#ended(noProcess ? `ffmpeg could not be started (${error.code})` : (error.message.split('\n')[0] ?? ''));
    });
    this.#command.on('end', () => this.#ended('ffmpeg ended'));
    this.#command.run();
  }

  #read(raw: string): void {
    if (raw.trim() === '') return;
    this.#lines.push(withoutSecrets(raw, this.#secrets));
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    if (this.#state === 'starting' && raw.startsWith('Output #0')) {
      this.#state = 'opened';
      this.#removePreset();
      this.emit('opened');
    }
  }

  #ended(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#input.destroy();
    this.#removePreset();
    this.emit('closed', withoutSecrets(reason, this.#secrets).slice(0, 200));
  }

  #removePreset(): void {
    this.#presets.remove(this.#presetPath).catch(() => undefined);
  }
}

function buildCommand(path: string, input: PassThrough, output: FfmpegOutput, preset: string): FfmpegCommand {
  return (
    newFfmpegCommand(path, input)
      .inputFormat('mp4')
      // Only its stdin; no waiting for what the init segment says already; times stay as they are on the grid. (`nobuffer` would
      // lose the packets that ffmpeg looks at first, and with them the first GOP.)
      .inputOptions(['-hide_banner', '-loglevel info', '-nostats', '-protocol_whitelist pipe'])
      .inputOptions(['-probesize 32', '-analyzeduration 0', '-copyts'])
      .outputOptions(['-map 0:v:0', '-map 0:a:0', '-c copy'])
      .outputOptions(['-muxdelay 0', '-muxpreload 0', '-flush_packets 1'])
      .outputOptions(output.format === 'flv' ? ['-flvflags no_duration_filesize'] : [])
      .outputOptions('-protocol_whitelist', output.protocols, '-fpre', preset)
      .format(output.format)
      .output(output.url)
  );
}
