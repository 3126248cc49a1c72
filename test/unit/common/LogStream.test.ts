import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';

const LOGGER = new URL('../../../src/common/logger.ts', import.meta.url).href;

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** A process with our logger; `script` runs when `go` is sent to it. */
function logs(script: string): ChildProcess {
  const code = `import { createLogger } from ${JSON.stringify(LOGGER)};
    const logger = createLogger();
    process.once('message', async () => { ${script} });
    process.send('ready');`;
  child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  return child;
}

async function exitOf(process: ChildProcess): Promise<number | null> {
  const [code] = (await once(process, 'exit')) as [number | null];
  return code;
}

test.each([
  ['exits', `logger.info('one'); process.exit(7);`],
  [
    'dies of an error',
    `process.on('uncaughtException', (err) => { logger.fatal({ err }, 'fatal'); process.exit(7); }); logger.info('one'); throw new Error('boom');`,
  ],
  [
    'goes on for a while',
    `for (let i = 0; i < 100; i++) { logger.info('one'); await new Promise(setImmediate); } process.exit(7);`,
  ],
])('a process whose log nobody reads any more ends when it %s', async (_what, script) => {
  const process = logs(script);
  await once(process, 'message');
  process.stdout?.destroy();
  await once(process.stdout!, 'close');
  process.send('go');
  expect(await exitOf(process)).toBe(7);
});

test('all lines are there, in their order, when the process exits at once', async () => {
  const process = logs(`for (let i = 0; i < 5_000; i++) logger.info({ i }, 'a line of the log'); process.exit(0);`);
  let text = '';
  process.stdout?.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await once(process, 'message');
  process.send('go');
  await once(process, 'close');
  const numbers = text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { i: number }).i);
  expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
});

test('a reader that takes nothing holds nobody up; what is more than can wait is dropped, and said so', async () => {
  const process = logs(`
    const long = 'x'.repeat(1000);
    for (let i = 0; i < 12_000; i++) { logger.info({ i }, long); if (i % 100 === 0) await new Promise(setImmediate); }
    process.send('done');
    process.on('message', () => logger.info('after it'));
  `);
  await once(process, 'message');
  process.stdout?.pause();
  process.send('go');
  await once(process, 'message');
  let text = '';
  process.stdout?.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  process.stdout?.resume();
  await expect.poll(() => text.includes('"i":5000,')).toBe(true);
  await expect
    .poll(async () => {
      process.send('go');
      await new Promise(setImmediate);
      return /"msg":"\d+ lines of the log were dropped"/.test(text);
    })
    .toBe(true);
  await expect.poll(() => text.includes('after it')).toBe(true);
});
