/** What axe-core (WCAG 2.2 A and AA, and its best practices) finds on a page. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { PHONE, scrollsSideways, WIDE } from './pages.ts';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds, as `rule: element`; the page as it is, without its iframes (there are none). */
async function violations(page: Page): Promise<string[]> {
  // Not by a script element: the pages' content security policy allows none of ours.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const results = await page.evaluate(() => {
    const { axe: tool } = window as unknown as { axe: { run(options: unknown): Promise<AxeResults> } };
    return tool.run({ iframes: false, resultTypes: ['violations'] });
  });
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
}

/**
 * In light and dark, on a phone and wide; nothing scrolls sideways either. `few`: each size and each colour scheme once, for a state that
 * differs from one that is looked at in all of them by a sentence and its buttons.
 */
export async function expectAccessible(page: Page, looks: 'all' | 'few' = 'all'): Promise<void> {
  // Colours that are on their way from one to the other are neither.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const found: string[] = [];
  for (const viewport of [PHONE, WIDE]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      if (looks === 'few' && (viewport === PHONE) !== (colorScheme === 'dark')) continue;
      await page.emulateMedia({ colorScheme });
      found.push(...(await violations(page)).map((text) => `${viewport.width} ${colorScheme} ${text}`));
    }
    if (await scrollsSideways(page)) found.push(`${viewport.width} scrolls sideways`);
  }
  expect(found).toEqual([]);
}
