import type { ChosenProgram } from '../newProgram.ts';
import { type FoundRecord, programMsOf } from './BroadcastRecord.ts';

/** What a broadcast goes on with when another process had it before. */
export interface Resumed {
  id: string;
  fence: number;
  program: ChosenProgram;
  /** How many processes in a row have died within a minute of having it. */
  failures: number;
}

/** A process that has had a broadcast for this long did not die of it, ms. */
const STEADY_MS = 60_000;

/** Same epoch, same grid, same encoder; the program's time has gone on meanwhile. */
export function resumedFrom(found: FoundRecord, now: { wallMs: number; clockMs: number }): Resumed {
  const { id, fence, epoch, grid, encoder, renditions, failures } = found.record;
  const startMs = now.clockMs - programMsOf(found, now.wallMs);
  return {
    id,
    fence,
    program: { epoch, startMs, grid, encoder, renditions },
    failures: (found.beat?.heldMs ?? 0) < STEADY_MS ? failures + 1 : 0,
  };
}
