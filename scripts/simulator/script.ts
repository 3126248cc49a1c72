/** The simulator's script: who does what when, as JSON. */
import { z } from 'zod';

export const ACTIONS = ['join', 'leave', 'drop', 'mute', 'unmute', 'camera-off', 'camera-on', 'speak', 'hush'] as const;

const Step = z
  .object({
    /** Seconds after the start. */
    at: z.number().min(0).default(0),
    /** The peer's number, from 0. */
    peer: z.int().min(0),
    /** `drop` is a connection that breaks without a goodbye. */
    do: z.enum(ACTIONS),
  })
  .strict();
export type Step = z.infer<typeof Step>;

export const Script = z.array(Step).max(10_000);

/** Parses and sorts; throws an error that names what is wrong. */
export function parseScript(text: string): Step[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`the script is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = Script.safeParse(json);
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((i) => `the script's ${i.path.join('.')}: ${i.message}`).join('\n'));
  }
  return parsed.data.toSorted((a, b) => a.at - b.at);
}

/** Peers that are there from the start: all whose first step is not a join. */
export function peersAtStart(count: number, steps: readonly Step[]): number[] {
  return Array.from({ length: count }, (_, peer) => peer).filter(
    (peer) => steps.find((step) => step.peer === peer)?.do !== 'join',
  );
}
