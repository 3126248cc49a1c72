/**
 * `npm run screenshots [-- SCENE…]`: every page and state, phone and desktop, dark and light, into docs/screenshots/. Look at all of
 * them before you commit what has changed. Ends by itself, whatever hangs. A new state is a few lines in screenshots/shots.ts.
 */
import { fileURLToPath } from 'node:url';
import { Photographer } from './screenshots/Photographer.ts';
import { Stage } from './screenshots/Stage.ts';
import { SCENES } from './screenshots/shots.ts';

/** All of it takes about a minute on two free cores; then something hangs, ms. */
const LIMIT_MS = 10 * 60_000;

const wanted = process.argv.slice(2);
const names = Object.keys(SCENES);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no such scene: ${unknown.join(', ')}\n  scenes: ${names.join(', ')}`);
  process.exit(2);
}
const limit = setTimeout(() => {
  console.error('the screenshots take too long');
  process.exit(1);
}, LIMIT_MS).unref();
const photographer = await Photographer.create(fileURLToPath(new URL('../docs/screenshots', import.meta.url)));
{
  await using stage = await Stage.start();
  for (const [name, scene] of Object.entries(SCENES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    await scene(stage, async (page, shot, prepare) => {
      await photographer.take(page, shot, prepare);
      console.log(shot);
    });
  }
}
if (wanted.length === 0) await photographer.tidy();
clearTimeout(limit);
console.log(`${photographer.count} pictures, ${Math.round(photographer.bytes / 1000)} kB, in docs/screenshots`);
