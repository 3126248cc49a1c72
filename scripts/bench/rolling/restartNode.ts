/** One node of a fleet: SIGTERM, its end, its start, until it is ready and announced. */
import { readdir } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import type { FleetProcesses, FleetRole } from '../../../test/support/FleetProcesses.ts';
import { descendantsOf, eventually, type ServerProcess } from '../../../test/support/ServerProcess.ts';
import { cpuWait } from '../support/cpuWait.ts';
import { untilAnnounced } from '../support/FleetRooms.ts';

/** A drain's 60 s, and some for its end. */
const END_LIMIT_MS = 90_000;

export interface Restarted {
  role: FleetRole;
  /** From the begin of the count, s. */
  at: number;
  exit: number | NodeJS.Signals;
  /** From SIGTERM to the end of the process, s. */
  drain_s: number;
  /** From its start until it is ready and announced, s. */
  start_s: number;
  /** Share of the time in which some process waited for a core, 0 to 1, while it drained and while it started. */
  cpu_wait: [drain: number | null, start: number | null];
}

const seconds = (fromMs: number): number => Number(((performance.now() - fromMs) / 1000).toFixed(2));

/** `niceness`: of the new process until it is ready. `beganAt`: on performance.now(). */
export async function restartNode(
  fleet: FleetProcesses,
  node: ServerProcess,
  { role, niceness, beganAt }: { role: FleetRole; niceness: number; beganAt: number },
): Promise<{ restarted: Restarted; next: ServerProcess }> {
  const at = seconds(beganAt);
  const [drainWait, termAt] = [await cpuWait(), performance.now()];
  node.child.kill('SIGTERM');
  const exit = await endOf(node);
  const [drain, drain_s] = [await drainWait(), seconds(termAt)];
  const [startWait, startAt] = [await cpuWait(), performance.now()];
  const next = await fleet.again(node, {}, niceness);
  await eventually(async () => (await fleet.status(next, '/readyz')) === 200, 'it is ready');
  await untilAnnounced(fleet, [...fleet.sfus, ...fleet.deliveries, ...fleet.agents]);
  if (niceness > 0) await asOthers(next);
  const restarted = { role, at, exit, drain_s, start_s: seconds(startAt), cpu_wait: [drain, await startWait()] };
  return { restarted: restarted as Restarted, next };
}

async function endOf(node: ServerProcess): Promise<number | NodeJS.Signals> {
  const timer = setTimeout(() => node.child.kill('SIGKILL'), END_LIMIT_MS);
  const exit = await node.ended();
  clearTimeout(timer);
  return exit;
}

/** Ends its being nice, that of its children, and of all their threads, each of which has a niceness of its own in Linux. */
async function asOthers(node: ServerProcess): Promise<void> {
  for (const pid of [node.pid, ...(await descendantsOf(node.pid)).map((child) => child.pid)])
    for (const thread of await readdir(`/proc/${pid}/task`).catch(() => []))
      setPriority(Number(thread), constants.priority.PRIORITY_NORMAL);
}
