/** From the watch page onto the stage: what the one who asks and the host see (docs/seats.md). */
import { ASKER_SEAT, GUEST_SEATS, type Stage, until } from './Stage.ts';
import type { Take } from './shots.ts';

export async function seats(stage: Stage, take: Take): Promise<void> {
  const host = await stage.open(`/studio/${stage.room}?role=host`);
  await host.getByTestId('prejoin-name').fill('Mia Tanaka');
  await host.getByTestId('join').click();
  await host.getByTestId('leave').waitFor();
  const leave = await stage.people(GUEST_SEATS.filter((seat) => seat !== ASKER_SEAT));
  await stage.api.startBroadcast(stage.room, {});
  const viewer = await stage.open(`/watch/${stage.room}`, { guest: true });
  await until(viewer, "document.querySelector('video')?.currentTime > 1");
  await viewer.getByTestId('ask-to-join').click();
  const panel = viewer.getByTestId('seat-panel');
  await panel.locator('video').waitFor();
  await viewer.getByTestId('seat-name').fill('Lin Xiao');
  const inSight = () => panel.scrollIntoViewIfNeeded();
  await take(viewer, 'watch-ask', inSight);
  await viewer.getByTestId('seat-ask').click();
  await viewer.getByTestId('seat-place').waitFor();
  await take(viewer, 'watch-queue', inSight);
  await until(host, "document.querySelector('[data-testid=asker-picture]')?.naturalWidth > 0");
  const openPanel = async (): Promise<void> => {
    if ((await host.locator('aside.panel').count()) === 0) await host.getByTestId('panel').dispatchEvent('click');
  };
  await take(host, 'studio-queue', openPanel);
  await host.getByTestId('decline-seat').dispatchEvent('click');
  await host.getByTestId('decline-reason').fill('After the break');
  await take(host, 'studio-decline', openPanel);
  await host.getByRole('button', { name: 'Back', exact: true }).dispatchEvent('click');
  await host.getByTestId('grant-seat').dispatchEvent('click');
  await viewer.getByTestId('seat-granted').waitFor();
  await until(viewer, "[...document.querySelectorAll('.tile video')].filter((v) => v.currentTime > 0).length >= 4");
  await take(viewer, 'studio-guest');
  await host.getByTestId('person-more').last().dispatchEvent('click');
  await take(host, 'studio-person', async () => {
    await openPanel();
    await host.getByTestId('off-program').scrollIntoViewIfNeeded();
  });
  await stage.api.stopBroadcast(stage.room);
  for (const page of [host, viewer]) await page.context().close();
  await leave();
}
