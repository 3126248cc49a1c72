import { render } from 'preact';
import { roomOfPath } from '../shared/contract.ts';
import { remembered } from '../shared/storage.ts';
import { followSettings } from '../shared/theme.ts';
import { takePlayToken, takeToken, tokenOfFragment } from '../shared/tokens.ts';
import { WatchPage } from './WatchPage.tsx';
import { WatchRoom } from './WatchRoom.ts';

followSettings();
const room = roomOfPath(location.pathname);
const playToken = room === undefined ? undefined : takePlayToken(room);
const token = room === undefined ? undefined : takeToken(room);
const tokens = { token, play: playToken, name: remembered.get('name') };
const watch = room === undefined ? undefined : new WatchRoom(room, playToken);
// A new link to the page that is open already changes nothing but the fragment.
addEventListener('hashchange', () => {
  if (tokenOfFragment(location.hash)) location.reload();
});

declare global {
  interface Window {
    /** What tests and support read; no part of any contract. */
    lianmai?: Record<string, unknown>;
  }
}
window.lianmai = { watch, hls: watch?.hlsStats };

const root = document.getElementById('app');
if (root) render(<WatchPage watch={watch} invited={token !== undefined} tokens={tokens} />, root);
