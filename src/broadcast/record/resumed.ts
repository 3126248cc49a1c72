import type { RecordedProgram } from '../../contracts/recordedProgram.ts';
import type { Entry } from '../../directory/entries.ts';
import type { ChosenProgram } from '../newProgram.ts';
import { type FoundRecord, programMsOf } from './BroadcastRecord.ts';

/** What a broadcast goes on with when another process had it before. */
export interface Resumed {
  id: string;
  fence: number;
  program: ChosenProgram;
  /** Program time when that process was heard of last, ms. */
  heardMs: number;
  /** Nothing was heard of it for this long, ms. */
  silentMs: number;
  /** How many processes in a row have died within a minute of having it. */
  failures: number;
}

/** A process that has had a broadcast for this long did not die of it, ms. */
const STEADY_MS = 60_000;

/** Of this machine's disk. Same epoch, same grid, same encoder; the program's time has gone on meanwhile. */
export function resumedFrom(found: FoundRecord, { wallMs, clockMs }: { wallMs: number; clockMs: number }): Resumed {
  const { record, beat } = found;
  const silentMs = Math.max(0, wallMs - (beat?.at ?? record.epoch));
  const programMs = programMsOf(found, wallMs);
  return { ...resumed(record, { ...beat, silentMs, programMs }, clockMs), silentMs };
}

/**
 * Of the directory. Timestamps: what passed since the owner's last beat is the directory's own time, so clocks of nodes do not matter. Only
 * without a beat (it died before its second second) the epoch stands for one.
 */
export function inheritedFrom(
  { data, beat }: Pick<Entry<'record'>, 'data' | 'beat'>,
  { wallMs, clockMs }: { wallMs: number; clockMs: number },
): Resumed {
  const silentMs = beat ? beat.ageMs : Math.max(0, wallMs - data.epoch);
  const programMs = (beat?.programMs ?? 0) + silentMs;
  return { ...resumed(data, { ...beat, silentMs, programMs }, clockMs), silentMs };
}

function resumed(
  {
    id,
    fence,
    epoch,
    grid,
    encoder,
    renditions,
    failures,
    handedOn,
  }: RecordedProgram & { failures: number; handedOn: boolean },
  { programMs, silentMs, heldMs = 0 }: { programMs: number; silentMs: number; heldMs?: number },
  clockMs: number,
): Omit<Resumed, 'silentMs'> {
  return {
    id,
    fence,
    program: { epoch, startMs: clockMs - programMs, grid, encoder, renditions },
    heardMs: programMs - silentMs,
    failures: handedOn || heldMs >= STEADY_MS ? 0 : failures + 1,
  };
}
