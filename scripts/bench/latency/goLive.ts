/** From the API call that starts a broadcast to the first part that a player could play. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerApi } from '../../simulator/serverApi.ts';

/** Between two looks at a playlist that is not there yet, ms. */
const LOOK_MS = 20;
const LIMIT_MS = 30_000;

/** ms; the broadcast is stopped again. `last`: id of the room's last broadcast, whose playlists are still there. */
export async function timeGoLive(
  { api, room, signal }: { api: ServerApi; room: string; signal: AbortSignal },
  last: string | null,
): Promise<{ id: string; ms: number }> {
  const startedAt = performance.now();
  const starting = api.startBroadcast(room, {});
  // A player that is there already: it has the room's address, and asks until there is something.
  const playing = firstPart(`${api.url}/live/${room}/index.m3u8`, last, startedAt, signal);
  const { id } = await starting;
  const playableAt = await playing;
  await api.stopBroadcast(room);
  return { id, ms: playableAt - startedAt };
}

async function firstPart(url: string, last: string | null, startedAt: number, signal: AbortSignal): Promise<number> {
  const text = async (of: string, wanted: (text: string) => boolean): Promise<string> => {
    for (;;) {
      const answer = await fetch(of, { signal });
      const given = await answer.text();
      if (answer.ok && wanted(given)) return given;
      if (performance.now() - startedAt > LIMIT_MS) throw new Error(`${of}: ${answer.status}, nothing to play`);
      await delay(LOOK_MS, undefined, { signal });
    }
  };
  const multivariant = await text(url, (given) => last === null || !given.includes(`${last}/`));
  const video = multivariant.split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
  const media = new URL(video, url).href;
  const listed = await text(media, (given) => given.includes('#EXT-X-PART:'));
  const names = [/#EXT-X-MAP:URI="([^"]+)"/, /#EXT-X-PART:[^\n]*URI="([^"]+)"/].map((of) => of.exec(listed)?.[1] ?? '');
  for (const name of names) {
    const answer = await fetch(new URL(name, media), { signal });
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    await answer.arrayBuffer();
  }
  return performance.now();
}
