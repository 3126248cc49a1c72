import { render } from 'preact';
import { followSettings } from '../shared/theme.ts';
import { tokenOfFragment } from '../shared/tokens.ts';
import { Studio } from './Studio.ts';
import { StudioPage } from './StudioPage.tsx';

followSettings();
const studio = new Studio(location.pathname);
void studio.open(new URLSearchParams(location.search).get('role'));
// A new link to the page that is open already changes nothing but the fragment.
addEventListener('hashchange', () => {
  if (tokenOfFragment(location.hash)) location.reload();
});
addEventListener('pagehide', (event) => {
  // A page in the back-forward cache would hold camera and seat.
  if (!event.persisted) studio.session.value?.close();
});

declare global {
  interface Window {
    /** What tests and support read; no part of any contract. */
    lianmai?: Record<string, unknown>;
  }
}
window.lianmai = { studio };

const root = document.getElementById('app');
if (root) render(<StudioPage studio={studio} />, root);
// Whoever joins needs it a moment later.
void import('./session/MediaLink.ts').catch(() => undefined);
