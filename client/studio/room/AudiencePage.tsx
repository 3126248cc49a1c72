import type { ChatClient } from '../../shared/chat/ChatClient.ts';
import { chatCode } from '../../shared/chat/loadChat.ts';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { seatText } from '../../shared/seatTexts.ts';
import { TopBar } from '../../shared/TopBar.tsx';
import { Mirror } from '../door/Mirror.tsx';
import { doorText } from '../doorTexts.ts';
import { LevelMeter } from '../prejoin/LevelMeter.tsx';
import type { Studio } from '../Studio.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { LiveState } from './LiveState.tsx';
import { Banners } from './RoomPage.tsx';
import { QueueState } from './seats/QueueState.tsx';

interface Props {
  studio: Studio;
  session: StudioSession;
  /** null: not there yet. */
  chat: ChatClient | null;
}

/** In the room without a seat: ask for one, with camera and microphone ready. */
export function AudiencePage({ studio, session, chat }: Props) {
  const code = chatCode.value;
  const media = studio.media.value;
  const asking = session.state.self.value?.asking ?? false;
  return (
    <>
      <TopBar>
        <span class="room-name">{studio.room}</span>
        <LiveState session={session} />
      </TopBar>
      <main class="prejoin">
        <Mirror media={media} />
        <div class="stack" data-testid="audience">
          <h1 class="page-title">{seatText('seat.title')}</h1>
          <Banners studio={studio} session={session} />
          {session.seats.news.value === 'taken' ? (
            <p class="notice" role="status" data-testid="seat-news">
              {seatText('seat.taken')}
            </p>
          ) : null}
          {session.seats.news.value === 'lost' ? (
            <p class="notice" role="status" data-testid="seat-news">
              {doorText('reconnect.lost')}
            </p>
          ) : null}
          {asking ? null : <p class="muted">{seatText('seat.lead')}</p>}
          <LevelMeter track={media.microphone.value} />
          <QueueState session={session} />
          <div class="row wrap">
            <a class="button outline" href={studio.watchLink} target="_blank" rel="noopener">
              <Icon name="open" />
              {seatText('seat.watch')}
            </a>
            <button type="button" class="button outline" data-testid="leave" onClick={() => void session.leave()}>
              <Icon name="leave" />
              {t('studio.leave')}
            </button>
          </div>
        </div>
        {code && chat ? (
          <div class="audience-chat">
            <code.ChatPanel chat={chat} />
          </div>
        ) : null}
      </main>
    </>
  );
}
