/** Writes README.md's tables from the code: `node scripts/readmeTables.ts --write`. A test compares them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { environmentOf, flagOf, SETTINGS } from '../src/config.ts';
import { ERRORS } from '../src/contracts/errors.ts';
import { METRICS } from '../src/metrics.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

/** What a reader on any machine has to see: no home folder, no number of cores of this one. */
function fallbackOf(name: keyof typeof SETTINGS): string {
  const { fallback } = SETTINGS[name];
  if (name === 'sfuWorkers' && fallback === String(availableParallelism())) return 'cores';
  return fallback === '' ? '' : `\`${fallback.replace(homedir(), '~')}\``;
}

export function renderTables(): Record<'settings' | 'metrics' | 'errors', string> {
  const settings = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[];
  return {
    settings: table(
      ['variable', 'flag', 'default', 'what it is'],
      settings.map((name) => [
        `\`${environmentOf(name)}\``,
        `\`${flagOf(name)}\``,
        fallbackOf(name),
        SETTINGS[name].help,
      ]),
    ),
    metrics: table(
      ['metric', 'type', 'labels', 'what it is'],
      Object.values(METRICS).map((m) => [`\`${m.name}\``, m.type, m.labels.map((l) => `\`${l}\``).join(' '), m.help]),
    ),
    errors: table(
      ['code', 'HTTP status', 'whose', 'what to do'],
      Object.entries(ERRORS).map(([code, e]) => [`\`${code}\``, String(e.status), e.severity, e.help]),
    ),
  };
}

export function fillTables(readme: string): string {
  let text = readme;
  for (const [name, content] of Object.entries(renderTables())) {
    const pattern = new RegExp(`<!-- ${name} -->[\\s\\S]*?<!-- /${name} -->`);
    if (!pattern.test(text)) throw new Error(`README.md has no place for the table of ${name}`);
    text = text.replace(pattern, () => `<!-- ${name} -->\n${content}\n<!-- /${name} -->`);
  }
  return text;
}

if (process.argv.includes('--write')) writeFileSync(README, fillTables(readFileSync(README, 'utf8')));
