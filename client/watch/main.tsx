import { render } from 'preact';
import { roomOfPath } from '../shared/contract.ts';
import { followSettings } from '../shared/theme.ts';
import { takeToken } from '../shared/tokens.ts';
import { WatchPage } from './WatchPage.tsx';
import { WatchRoom } from './WatchRoom.ts';

followSettings();
const room = roomOfPath(location.pathname);
const invited = room !== undefined && takeToken(room) !== undefined;
const watch = room === undefined ? undefined : new WatchRoom(room);

declare global {
  interface Window {
    /** What tests and support read; no part of any contract. */
    lianmai?: Record<string, unknown>;
  }
}
window.lianmai = { watch, hls: watch?.hlsStats };

const root = document.getElementById('app');
if (root) render(<WatchPage watch={watch} invited={invited} />, root);
