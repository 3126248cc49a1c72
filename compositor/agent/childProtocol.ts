/**
 * Between the agent and its child processes (`compositor/main.ts`), over Node's IPC channel with JSON serialisation: the child sends
 * `warm` once its imports are done; from then on exactly ControllerMessage goes in and CompositorMessage comes out, and `not-taken`, which
 * is for the agent alone. When the channel closes, the child ends. Where it may receive media comes in its environment, in the names of the settings.
 */
import { z } from 'zod';
import { CompositorMessage } from '../../src/contracts/control.ts';

export const WarmMessage = z.object({ type: z.literal('warm') });

/** Delivery has refused a part: it is another compositor's. Nothing to a compositor in the shadow, the end of an orphan. */
export const NotTakenMessage = z.object({ type: z.literal('not-taken') });

export const ChildMessage = z.union([WarmMessage, NotTakenMessage, CompositorMessage]);
export type ChildMessage = z.infer<typeof ChildMessage>;

export interface ChildPlace {
  /** The address that RTP is received on, and that the SFU reaches it at. */
  mediaIp: string;
  /** First and last UDP port; the child binds a free one. */
  mediaPorts: readonly [number, number];
  logLevel: string;
}

/**
 * The child's environment: ours without our settings (they hold the secret that signs tokens, and a child needs none of them),
 * and what it has to know: LIANMAI_MEDIA_HOST, LIANMAI_MEDIA_PORTS, LIANMAI_LOG_LEVEL.
 */
export function childEnvironment(
  ours: Readonly<Record<string, string | undefined>>,
  { mediaIp, mediaPorts, logLevel }: ChildPlace,
): Record<string, string> {
  const kept = Object.entries(ours).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('LIANMAI_'),
  );
  return {
    ...Object.fromEntries(kept),
    LIANMAI_MEDIA_HOST: mediaIp,
    LIANMAI_MEDIA_PORTS: mediaPorts.join('-'),
    LIANMAI_LOG_LEVEL: logLevel,
  };
}
