/** A page as axe-core sees it: WCAG 2.2 A and AA, and its best practices. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { PHONE, scrollsSideways, WIDE } from './pages.ts';

const script = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds, as `rule: element`; the page as it is, without its iframes (there are none). */
async function violations(page: Page): Promise<string[]> {
  // Not by a script element: the pages' content security policy allows none of ours.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await script);
  const results = await page.evaluate(() => {
    const { axe: tool } = window as unknown as { axe: { run(options: unknown): Promise<AxeResults> } };
    return tool.run({ iframes: false, resultTypes: ['violations'] });
  });
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
}

/** Every size in every colour scheme. */
const ALL = [PHONE, WIDE].flatMap((viewport) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ viewport, colorScheme })),
);
/** Each size and each colour scheme once: for a state that differs from another, looked at in all, by a sentence and buttons. */
const FEW = [
  { viewport: PHONE, colorScheme: 'dark' as const },
  { viewport: WIDE, colorScheme: 'light' as const },
];

/** In light and dark, on a phone and wide; nothing scrolls sideways either. */
export async function expectAccessible(page: Page, looks: 'all' | 'few' = 'all'): Promise<void> {
  // Colours that are on their way from one to the other are neither.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const found: string[] = [];
  for (const { viewport, colorScheme } of looks === 'all' ? ALL : FEW) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    found.push(...(await violations(page)).map((text) => `${viewport.width} ${colorScheme} ${text}`));
    if (await scrollsSideways(page)) found.push(`${viewport.width} scrolls sideways`);
  }
  expect(found).toEqual([]);
}
