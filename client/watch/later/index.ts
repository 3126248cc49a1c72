/** What nobody needs for the first picture: loaded as soon as that is there (../later.ts). */
export { Beacon } from './Beacon.ts';
export { Captions } from './Captions.tsx';
export { EmbedDialog } from './EmbedDialog.tsx';
export { KeysHelp } from './KeysHelp.tsx';
export { TimeBar } from './TimeBar.tsx';
export { Upcoming } from './Upcoming.tsx';
