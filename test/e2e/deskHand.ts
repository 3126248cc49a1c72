/** A hand over the studio: things that are dragged, by mouse, finger or pen. */
import type { Locator, Page } from 'playwright-core';

/** Whose the tiles of the stage are, in the order in which one reads. */
export const tilesOf = (page: Page): Promise<(string | null)[]> =>
  page.getByTestId('tile').evaluateAll((tiles) =>
    tiles
      .map((tile) => ({ peer: tile.getAttribute('data-peer'), at: tile.getBoundingClientRect() }))
      .sort((a, b) => a.at.y - b.at.y || a.at.x - b.at.x)
      .map(({ peer }) => peer),
  );

async function middleOf(place: Locator): Promise<{ x: number; y: number }> {
  const box = await place.boundingBox();
  if (!box) throw new Error('it is not on the page');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Takes it by the mouse, and holds it over another place. */
export async function dragOver(page: Page, from: Locator, to: Locator): Promise<void> {
  // It waits until the tile has come to rest: between two places there may be none under the hand.
  await from.hover();
  const end = await middleOf(to);
  await page.mouse.down();
  await page.mouse.move(end.x, end.y, { steps: 4 });
}

/** Drags it to another place by a finger or a pen, as Chromium's own input has them. */
export async function dragBy(kind: 'touch' | 'pen', page: Page, first: Locator, second: Locator): Promise<void> {
  await first.hover({ trial: true });
  const [from, to] = [await middleOf(first), await middleOf(second)];
  const path = [from, { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }, to];
  const devtools = await page.context().newCDPSession(page);
  if (kind === 'touch') {
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: { x: number; y: number }[]) =>
      devtools.send('Input.dispatchTouchEvent', { type, touchPoints });
    await touch('touchStart', [from]);
    for (const point of path) await touch('touchMove', [point]);
    await touch('touchEnd', []);
  } else {
    const pen = { pointerType: 'pen', button: 'left', clickCount: 1 } as const;
    await devtools.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...pen, ...from, buttons: 1 });
    for (const point of path)
      await devtools.send('Input.dispatchMouseEvent', { type: 'mouseMoved', ...pen, ...point, buttons: 1 });
    await devtools.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...pen, ...to, buttons: 0 });
  }
  await devtools.detach();
}
