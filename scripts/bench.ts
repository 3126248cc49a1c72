/**
 * `npm run bench -- NAME [--json] [options]`: runs scripts/bench/NAME.ts. With --json progress goes to stderr, and the last line
 * of stdout is one JSON object `{"bench": NAME, ...}`.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What a bench is given, and what it exports as `run`. */
export interface BenchContext {
  /** The arguments after its name, without --json. */
  args: string[];
  /** Progress and remarks. */
  say: (line: string) => void;
  /** Aborted by Ctrl+C: end what was started, then reject. */
  signal: AbortSignal;
}
export type Bench = (context: BenchContext) => Promise<Record<string, unknown>>;

const FOLDER = join(import.meta.dirname, 'bench');
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [--json] [options]\n  benches: ${names.join(', ')}`);
  process.exit(2);
}

const json = rest.includes('--json');
const aborting = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    aborting.abort(new Error(`interrupted by ${signal}`));
    process.once(signal, () => process.exit(130));
  });
}

try {
  const { run } = (await import(join(FOLDER, `${name}.ts`))) as { run: Bench };
  const say = json ? console.error : console.log;
  const result = await run({ args: rest.filter((arg) => arg !== '--json'), say, signal: aborting.signal });
  if (json) console.log(JSON.stringify({ bench: name, ...result }));
  else for (const [key, value] of Object.entries(result)) console.log(`${key}: ${JSON.stringify(value)}`);
} catch (error) {
  console.error(`bench ${name}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
