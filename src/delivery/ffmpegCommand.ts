/** The one module that knows how fluent-ffmpeg is made and run: pushes to destinations, and what is done with a finished recording. */
import type { Readable } from 'node:stream';
import ffmpeg, { type FfmpegCommand } from 'fluent-ffmpeg';

/** The least of all (nice(1)): what is left over by live programs. */
const LOWEST_PRIORITY = 19;
/** Lines of stderr that tell why it failed. */
const KEPT_LINES = 20;
/** What fluent-ffmpeg passes on when there was no process, and then trips over; see survivingSpawnErrors(). */
const NO_LINES = { get: (): string => '', callback: (): void => undefined };

export function newFfmpegCommand(
  path: string,
  input: Readable,
  options: { lowPriority?: boolean } = {},
): FfmpegCommand {
  const { lowPriority = false } = options;
  const niceness = lowPriority ? { niceness: LOWEST_PRIORITY } : {};
  return survivingSpawnErrors(ffmpeg(input, { stdoutLines: 1, logger: undefined, ...niceness })).setFfmpegPath(path);
}

export interface RunOptions {
  /** Ends it by SIGKILL. */
  signal: AbortSignal;
  /** How much of the program was made, seconds. */
  onProgress?: (seconds: number) => void;
}

/** Runs a command to its end. Rejects with what ffmpeg complained of. */
export async function runFfmpeg(command: FfmpegCommand, { signal, onProgress }: RunOptions): Promise<void> {
  signal.throwIfAborted();
  const lines: string[] = [];
  command.on('stderr', (line: string) => {
    const time = /^out_time_us=(\d+)$/.exec(line)?.[1];
    if (time !== undefined) onProgress?.(Number(time) / 1e6);
    if (line.trim() === '' || /^[a-z_0-9]+=\s*\S*$/.test(line)) return;
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
  });
  let running = false;
  const stop = (): void => {
    if (running) command.kill('SIGKILL');
  };
  command.on('start', () => {
    running = true;
    // It looks for ffmpeg's abilities first: told to end meanwhile, it ends as soon as it runs.
    if (signal.aborted) stop();
  });
  signal.addEventListener('abort', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      command.on('end', () => resolve());
      command.on('error', (error) => reject(error));
      command.run();
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(
      `ffmpeg: ${(error as Error).message.split('\n')[0]}; ${lines.slice(-3).join(' | ')}`.slice(0, 500),
      {
        cause: error,
      },
    );
  } finally {
    running = false;
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
}

type Spawn = (...args: unknown[]) => void;

/**
 * fluent-ffmpeg 2.1.3 throws from an event handler, and so ends this whole process, when ffmpeg cannot be started: its end
 * callback gets the error alone and reads the lines of stderr from it. Here it gets lines.
 */
function survivingSpawnErrors(command: FfmpegCommand): FfmpegCommand {
  const patched = command as unknown as { _spawnFfmpeg: Spawn };
  const spawn = patched._spawnFfmpeg.bind(command);
  patched._spawnFfmpeg = (...args) => {
    const end = args.pop() as Spawn;
    spawn(...args, (error: unknown, out: unknown = NO_LINES, err: unknown = NO_LINES) => end(error, out, err));
  };
  return command;
}
