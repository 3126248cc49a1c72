import { useSignal } from '@preact/signals';
import type { ChatClient } from '../../shared/chat/ChatClient.ts';
import { chatCode } from '../../shared/chat/loadChat.ts';
import { Dismiss } from '../../shared/InfoNotice.tsx';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import { TopBar } from '../../shared/TopBar.tsx';
import { Announcer } from '../Announcer.tsx';
import { DeviceNews } from '../door/DeviceNews.tsx';
import type { Studio } from '../Studio.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { ControlBar } from './ControlBar.tsx';
import { HealthStrip } from './health/HealthStrip.tsx';
import { StudioKeys } from './keys/StudioKeys.tsx';
import { LivePanel } from './LivePanel.tsx';
import { LiveState } from './LiveState.tsx';
import { Countdown } from './live/Countdown.tsx';
import { MediaProblem } from './MediaProblem.tsx';
import { MonitorRow } from './monitor/MonitorRow.tsx';
import { MonitorToggle } from './monitor/MonitorToggle.tsx';
import { type PanelTab, PanelTabs } from './PanelTabs.tsx';
import { People } from './People.tsx';
import { Reconnecting } from './Reconnecting.tsx';
import { RemoteAudio } from './RemoteAudio.tsx';
import { ScreenSoundMissing } from './ScreenSound.tsx';
import { Stage } from './Stage.tsx';
import { ScenePanel } from './scene/ScenePanel.tsx';
import { Queue } from './seats/Queue.tsx';
import { SeatNotices } from './seats/SeatNotices.tsx';

interface Props {
  studio: Studio;
  session: StudioSession;
}

interface RoomProps extends Props {
  /** null: not there yet. */
  chat: ChatClient | null;
}

/** From here on the panel stands beside the stage; below, it covers it. Also in studio.css. */
const WIDE = '(min-width: 60rem)';

/** The studio itself: stage, controls, and the panel with broadcast and people, the chat, and for a host the scene. */
export function RoomPage({ studio, session, chat }: RoomProps) {
  const panel = useSignal(matchMedia(WIDE).matches);
  const tab = useSignal<PanelTab>('show');
  const host = session.state.self.value?.role === 'host';
  const media = studio.media.value;
  const code = chatCode.value;
  const close = () => {
    panel.value = false;
  };
  return (
    <div class={`room ${panel.value ? 'with-panel' : ''}`}>
      <TopBar>
        <span class="room-name">{studio.room}</span>
        <LiveState session={session} />
        <MonitorToggle session={session} />
      </TopBar>
      <main class="studio-main">
        <h1 class="visually-hidden">{`${t('studio.title')} ${studio.room}`}</h1>
        <div class="banners">
          <Banners studio={studio} session={session} />
          <SeatNotices session={session} />
          <ScreenSoundMissing media={media} />
          <RemoteAudio session={session} media={media} />
          <HealthStrip session={session} />
        </div>
        <MonitorRow session={session} media={media}>
          <Stage session={session} media={media} />
        </MonitorRow>
        <Countdown session={session} />
        {code && chat ? <code.FloatingReactions chat={chat} /> : null}
        <ControlBar
          session={session}
          media={media}
          panelOpen={panel.value}
          onPanel={() => {
            panel.value = !panel.value;
          }}
        />
      </main>
      {panel.value ? (
        <aside class="panel" aria-label={t('studio.panel')}>
          <div class="panel-head">
            <PanelTabs
              tabs={host ? ['show', 'scene', 'chat'] : ['show', 'chat']}
              news={{ chat: chat?.unread.value ?? 0 }}
              chosen={tab.value}
              onChoose={(chosen) => {
                tab.value = chosen;
              }}
            />
            <button
              type="button"
              class="button icon-only slim panel-close"
              aria-label={t('studio.panel.close')}
              onClick={close}
            >
              <Icon name="close" />
            </button>
          </div>
          <div id="panel-content" role="tabpanel" aria-labelledby={`panel-tab-${tab.value}`}>
            <PanelContent
              studio={studio}
              session={session}
              chat={chat}
              tab={host || tab.value === 'chat' ? tab.value : 'show'}
            />
          </div>
        </aside>
      ) : null}
      <StudioKeys studio={studio} session={session} panel={panel} tab={tab} />
      <Announcer />
    </div>
  );
}

function PanelContent({ studio, session, chat, tab }: RoomProps & { tab: PanelTab }) {
  const code = chatCode.value;
  if (tab === 'scene') return <ScenePanel studio={studio} session={session} />;
  if (tab === 'chat') return code && chat ? <code.ChatPanel chat={chat} /> : null;
  return (
    <>
      <Queue session={session} host={session.state.self.value?.role === 'host'} />
      <LivePanel studio={studio} session={session} />
      <People session={session} />
    </>
  );
}

/** What the person should know right now. */
export function Banners({ studio, session }: Props) {
  const media = studio.media.value;
  return (
    <>
      {session.phase.value === 'reconnecting' ? <Reconnecting session={session} /> : null}
      <DeviceNews media={media} />
      {session.phase.value === 'joined' && session.state.self.value?.seated && !session.mediaReady.value ? (
        <p class="small muted" role="status" data-testid="media-building">
          {t('studio.rebuilding')}
        </p>
      ) : null}
      {session.refused.value ? (
        <ProblemNotice problem={session.refused.value}>
          <Dismiss
            onClick={() => {
              session.refused.value = null;
            }}
          />
        </ProblemNotice>
      ) : null}
      <MediaProblem media={media} />
    </>
  );
}
