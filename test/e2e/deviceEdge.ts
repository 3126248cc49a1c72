/**
 * What a Chromium's fake devices can not be told to do: be held by another program, be pulled out and plugged in again. Sits at the
 * browser's edge: the tracks are the real ones of the fake devices, and what is missing or busy is answered as the Media Capture
 * specification says (sections 9.2, 10.2 and 12). Devices are named by how their labels begin, as `fake_device_0`.
 */
import type { BrowserContext, Page } from 'playwright-core';

interface Edge {
  held: string[];
  gone: string[];
  tracks: MediaStreamTrack[];
}

/** Before the page is loaded. */
export async function putDeviceEdge(of: BrowserContext | Page, held: readonly string[] = []): Promise<void> {
  await of.addInitScript(installEdge, held);
}

/** Another program holds exactly these from now on. */
export async function holdDevices(page: Page, ...labels: string[]): Promise<void> {
  await page.evaluate((held) => {
    Object.assign((window as unknown as { deviceEdge: Edge }).deviceEdge, { held });
  }, labels);
}

/** Exactly these are pulled out from now on. */
export async function unplugDevices(page: Page, ...labels: string[]): Promise<void> {
  await page.evaluate((gone) => {
    const { deviceEdge: edge } = window as unknown as { deviceEdge: Edge };
    edge.gone = gone;
    for (const track of edge.tracks) {
      if (track.readyState !== 'live' || !gone.some((label) => track.label.startsWith(label))) continue;
      // `stop` alone tells nobody: the event is for what ends by itself.
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
  }, labels);
}

/** Runs in the page. */
function installEdge(held: readonly string[]): void {
  const media = navigator.mediaDevices;
  if (!media) return;
  const edge: Edge = { held: [...held], gone: [], tracks: [] };
  Object.assign(window, { deviceEdge: edge });
  const capture = media.getUserMedia.bind(media);
  const enumerate = media.enumerateDevices.bind(media);
  const isOf = (labels: readonly string[], label: string) => labels.some((one) => label.startsWith(one));
  const kinds = { video: 'videoinput', audio: 'audioinput' } as const;

  media.enumerateDevices = async () => (await enumerate()).filter(({ label }) => !isOf(edge.gone, label));
  media.getUserMedia = async (constraints = {}) => {
    const present = await media.enumerateDevices();
    const wanted: MediaStreamConstraints = { ...constraints };
    for (const kind of ['video', 'audio'] as const) {
      const asked = constraints[kind];
      if (!asked || edge.gone.length === 0) continue;
      const left = present.filter((device) => device.kind === kinds[kind]);
      const exact = typeof asked === 'object' ? (asked.deviceId as { exact?: string } | undefined)?.exact : undefined;
      if (exact !== undefined && !left.some(({ deviceId }) => deviceId === exact))
        throw new DOMException('', 'OverconstrainedError');
      if (!left[0]) throw new DOMException('Requested device not found', 'NotFoundError');
      const deviceId = { exact: exact ?? left[0].deviceId };
      wanted[kind] = { ...(typeof asked === 'object' ? asked : {}), deviceId };
    }
    const stream = await capture(wanted);
    const tracks = stream.getTracks();
    if (tracks.some(({ label }) => isOf(edge.held, label))) {
      for (const track of tracks) track.stop();
      throw new DOMException('Could not start source', 'NotReadableError');
    }
    edge.tracks.push(...tracks);
    return stream;
  };
}
