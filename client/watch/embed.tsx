/** `/embed/:room`: the player alone, in a frame of somebody else's page. */
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { roomOfPath } from '../shared/contract.ts';
import { t } from '../shared/language.ts';
import { ProblemNotice } from '../shared/ProblemNotice.tsx';
import { followSettings } from '../shared/theme.ts';
import { takePlayToken, tokenOfFragment } from '../shared/tokens.ts';
import { Player } from './Player.tsx';
import { WatchRoom } from './WatchRoom.ts';

followSettings();
const room = roomOfPath(location.pathname);
const watch = room === undefined ? undefined : new WatchRoom(room, takePlayToken(room));
// Another token in the frame's address changes nothing but the fragment.
addEventListener('hashchange', () => {
  if (tokenOfFragment(location.hash)) location.reload();
});

function EmbedPage() {
  useEffect(() => () => watch?.close(), []);
  const problem = watch ? watch.problem.value : { code: 'bad-room' as const, detail: '' };
  if (!watch || problem)
    return (
      <main class="message">
        <ProblemNotice problem={problem ?? { code: 'bad-room', detail: '' }} />
      </main>
    );
  document.title = `${t('watch.title', { room: watch.room })} · Lianmai`;
  return (
    <main>
      <h1 class="visually-hidden">{watch.room}</h1>
      <Player watch={watch}>
        <a
          slot="top-chrome"
          class="embed-title"
          data-testid="embed-title"
          href={`/watch/${watch.room}`}
          target="_blank"
          rel="noopener"
        >
          {t('watch.embed.open', { room: watch.room })}
        </a>
      </Player>
    </main>
  );
}

const root = document.getElementById('app');
if (root) render(<EmbedPage />, root);
