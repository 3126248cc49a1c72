/** docs/layouts.md: in: the cases and the extras; out: the page's text. A test compares it with the file. */
import type { LayoutType } from '../../src/contracts/scene.ts';
import { CASE_PEOPLE, CASE_SHAPES, type CaseShape, layoutsOf } from './cases.ts';
import { extraShots } from './extras.ts';

/** What each layout does. */
const TEXTS: Readonly<Record<LayoutType, string>> = {
  grid: `Everybody alike, in the rows that make people largest; a last row that is not full stands in the middle. The default. It is also what \`screen\` is
while nobody shares one.`,
  speaker: `Who speaks is large, the rest stand in a strip below: one row, or more where one would make faces too small. Another
speaker takes the large place after about 0.6 s, and keeps it for at least 2 s. A \`pin\` holds the place.`,
  spotlight: `One person alone: the pinned one, else the first. The others are heard. It stays when somebody shares a screen.`,
  sidebar: `The pinned one (else the first) is large, whoever speaks; the rest stand in a column beside, at the \`side\` \`left\` or \`right\`. In portrait there is no
room beside a picture: they stand in rows below.`,
  pip: `The pinned one (else the first) fills the program, the next one is small in a \`corner\`: \`top-left\`, \`top-right\`, \`bottom-left\` or \`bottom-right\`. The
others are heard.`,
  split: `The first two side by side; in portrait, one above the other. \`share\` is the first one's part, 0.2 to 0.8. The others are heard.`,
  screen: `A shared screen is as large as it can be, people stand in a column beside it. In portrait the screen is as high as its width asks for, and people have
what is left. It is chosen by itself while somebody shares a screen, unless \`autoScreen\` is \`false\` or the layout is \`custom\` or \`spotlight\`. Of several
screens the newest is large, or the pinned one. In these pictures the first person shares one.`,
  custom: `Your own rectangles, in fractions of the program, with their own order (\`z\`), fit, corners and border. A place whose person is not there stays empty.`,
};

/** In the page; a click shows all of the file. */
const WIDTHS: Readonly<Record<CaseShape, number>> = { landscape: 260, portrait: 120 };

const SHAPES = Object.keys(CASE_SHAPES) as CaseShape[];

const json = (value: unknown): string =>
  JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ').replace(/\[ /g, '[').replace(/ \]/g, ']');

const image = (name: string, alt: string, width: number): string =>
  `<img src="layouts/${name}.webp" width="${width}" alt="${alt}">`;

const peopleOf = (people: number): string => (people === 1 ? '1 person' : `${people} people`);

/** Three landscape pictures a row, and all portrait ones in one. */
function tableOf(type: LayoutType, shape: CaseShape): string {
  const perRow = shape === 'landscape' ? 3 : CASE_PEOPLE.length;
  const rows: string[] = [];
  for (let from = 0; from < CASE_PEOPLE.length; from += perRow) {
    const row = CASE_PEOPLE.slice(from, from + perRow);
    const cells = row.map((people) =>
      image(`${type}-${people}-${shape}`, `${type}, ${peopleOf(people)}, ${shape}`, WIDTHS[shape]),
    );
    const heads = row.map(peopleOf);
    rows.push(...(from === 0 ? [heads, heads.map(() => '---')] : [heads]).map(tableRow), tableRow(cells));
  }
  return rows.join('\n');
}

const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function sectionOf(type: LayoutType, i: number): string {
  const settings = SHAPES.map((shape) => json({ layout: layoutsOf(shape)[i] }));
  const [landscape = '', portrait = ''] = settings;
  const examples = landscape === portrait ? [landscape] : [landscape, portrait];
  return [
    `## ${type}`,
    TEXTS[type],
    ...examples.map((example) => `\`\`\`json\n${example}\n\`\`\``),
    ...SHAPES.map((shape) => tableOf(type, shape)),
  ].join('\n\n');
}

/** An asset id is long, and means nothing here. */
const sceneText = (scene: unknown): string => json(scene).replace(/"([a-d])\1{63}"/g, '"ASSET-ID"');

function extrasSection(): string {
  const rows = extraShots().map(({ name, caption, scene, width, height }) =>
    tableRow([
      image(name, caption.replaceAll('`', '').replace(/\.$/, ''), width > height ? 360 : 180),
      `${caption}<br><br>\`${sceneText(scene)}\``,
    ]),
  );
  return ['## What else a scene can do', ['| the program | the scene |', '| --- | --- |', ...rows].join('\n')].join(
    '\n\n',
  );
}

export function layoutsPage(): string {
  const types = layoutsOf('landscape').map(({ type }) => type);
  return `${[
    '# The layouts',
    `Each layout with 1, 2, 3, 5, 9 and 16 people, in a program of 1280x720 and one of 720x1280, as the compositor draws it. [scene.md](scene.md) explains every
field of a scene.`,
    `Every third person has the camera off, every fourth the microphone; the second person speaks. The fourth person's camera is a phone held upright.`,
    `This page and its pictures are made by \`npm run layouts\`. A test renders each picture again and compares it with the one here.`,
    `Layouts: ${types.map((type) => `[${type}](#${type})`).join(', ')}. Also: [titles, images, borders, transitions, slates](#what-else-a-scene-can-do).`,
    ...types.map(sectionOf),
    extrasSection(),
  ].join('\n\n')}\n`;
}
