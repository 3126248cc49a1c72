/**
 * `npm run layouts`: renders every layout by the compositor's own classes, and writes docs/layouts.md and its pictures. Look at all of them
 * before you commit what has changed: test/media/layouts.test.ts then holds the program to them.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { layoutCases } from './layouts/cases.ts';
import { EXTRA_ASSETS, extraShots } from './layouts/extras.ts';
import { layoutsPage } from './layouts/page.ts';
import { encodePicture, Studio } from './layouts/render.ts';

const DOCS = new URL('../docs/', import.meta.url);
const PICTURES = new URL('layouts/', DOCS);

const shots = [...layoutCases(), ...extraShots()];
const studio = new Studio(EXTRA_ASSETS);
await mkdir(PICTURES, { recursive: true });
let bytes = 0;
for (const shot of shots) {
  const file = encodePicture(await studio.take(shot));
  bytes += file.length;
  await writeFile(new URL(`${shot.name}.webp`, PICTURES), file);
}
studio.close();

const wanted = new Set(shots.map(({ name }) => `${name}.webp`));
for (const name of await readdir(PICTURES)) if (!wanted.has(name)) await rm(new URL(name, PICTURES));
await writeFile(new URL('layouts.md', DOCS), layoutsPage());
process.stdout.write(`${shots.length} pictures, ${Math.round(bytes / 1000)} kB, in ${fileURLToPath(PICTURES)}\n`);
