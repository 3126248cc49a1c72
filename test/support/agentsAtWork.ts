/** What is asked of a fleet in which broadcasts go from agent to agent. */
import { parseMetrics } from '../../scripts/bench/support/scrape.ts';
import { isAlive } from './childProcesses.ts';
import type { RolesApart } from './RolesApart.ts';
import type { ServerProcess } from './ServerProcess.ts';

export const metricsOf = async (server: ServerProcess) =>
  parseMetrics(await (await fetch(`${server.internalUrl}/metrics`)).text());

/** How often a handoff has had this outcome. */
export async function handoffs({ sfu }: RolesApart, outcome: string): Promise<number> {
  const text = await (await fetch(`${sfu.internalUrl}/metrics`)).text();
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('lianmai_handoffs_total{') && line.includes(`"${outcome}"`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Processes of children that were given a broadcast, the newest last. */
export const bound = (agent: ServerProcess): number[] =>
  agent.logs().flatMap(({ msg, pid, compositor }) => (msg === 'compositor bound' && compositor ? [Number(pid)] : []));

/** The agent that has a broadcast now, and the other one. */
export function agentsOf(roles: RolesApart): [here: ServerProcess, elsewhere: ServerProcess] {
  const [one, other] = roles.agents as [ServerProcess, ServerProcess];
  return bound(one).some(isAlive) ? [one, other] : [other, one];
}
