/** The smallest fleet: one SFU, one delivery node and compositor agents, that are told of each other. */
import { FleetProcesses } from './FleetProcesses.ts';

export type RolesApart = FleetProcesses;

export const RolesApart = {
  /** `agents`: how many compositor agents. In a fleet whose Redis `env` names, the SFU finds them itself. */
  start: (env: Record<string, string> = {}, agents = 1): Promise<FleetProcesses> =>
    FleetProcesses.start({ env, agents }),
};
