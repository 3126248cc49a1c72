import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../../shared/icons.tsx';
import { monitorText } from '../../../shared/monitorTexts.ts';
import { useSpeaker } from '../../door/useSpeaker.ts';
import type { LocalMedia } from '../../media/LocalMedia.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { type MonitorState, monitorState, type PictureState } from './monitorState.ts';
import { ProgramPicture } from './ProgramPicture.tsx';

interface Props {
  session: StudioSession;
  media: LocalMedia;
}

/** From here on a host begins with the monitor on show: there is room beside the people. Also in monitor.css. */
const ROOMY = '(min-width: 60rem)';
/** A picture comes with the next segment; after this long something is wrong, ms. */
const OVERDUE_MS = 12_000;
/** Before the first broadcast says otherwise. */
const USUAL = { width: 16, height: 9 };

/** The program as it goes out, next to the people: its picture, how it goes, and on demand its sound. */
export function Monitor({ session, media }: Props) {
  const { monitor, state } = session;
  const picture = useSignal<PictureState>('none');
  const overdue = useSignal(false);
  const host = state.self.value?.role === 'host';
  useEffect(() => monitor.suggest(host && matchMedia(ROOMY).matches), [monitor]);
  const broadcast = state.broadcast.value;
  const now = monitorState(broadcast, { picture: picture.value, overdue: overdue.value });
  const waits = broadcast?.state === 'live' && picture.value !== 'there' && monitor.shown.value === true;
  useEffect(() => {
    overdue.value = false;
    if (!waits) return;
    const timer = setTimeout(() => {
      overdue.value = true;
    }, OVERDUE_MS);
    return () => clearTimeout(timer);
  }, [waits]);
  if (!monitor.shown.value) return null;
  const { width, height } = now === 'off' ? USUAL : (broadcast?.video ?? USUAL);
  return (
    <section class="monitor" aria-labelledby="monitor-title" data-testid="monitor" data-state={now}>
      <div class="monitor-head">
        <h2 id="monitor-title">{monitorText('monitor.title')}</h2>
        <span class={`badge ${now === 'live' ? 'live' : ''}`} role="status">
          {monitorText(`monitor.state.${now}`)}
        </span>
        <span class="grow" />
        <Listen session={session} live={now === 'live'} />
        <button
          type="button"
          class="button icon-only slim"
          aria-label={monitorText('monitor.hide')}
          title={monitorText('monitor.hide')}
          data-testid="monitor-hide"
          onClick={() => monitor.show(false)}
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="monitor-picture" style={{ '--w': width, '--h': height }}>
        {now === 'off' ? null : (
          <ProgramPicture
            tracks={monitor.pictures}
            onPicture={(next) => {
              picture.value = next;
            }}
          />
        )}
        {now === 'live' ? null : <Lead state={now} />}
      </div>
      <ProgramSound session={session} media={media} />
    </section>
  );
}

function Lead({ state }: { state: Exclude<MonitorState, 'live'> }) {
  return (
    <div class="monitor-lead">
      <Icon name={state === 'missing' ? 'warning' : 'broadcast'} />
      <p>{monitorText(`monitor.lead.${state}`)}</p>
    </div>
  );
}

/** Chooses between the people's sound as it comes and the program's. */
function Listen({ session, live }: { session: StudioSession; live: boolean }) {
  const { listening } = session.monitor;
  if (!live && !listening.value) return null;
  return (
    <button
      type="button"
      class={`button slim ${listening.value ? 'primary' : ''}`}
      aria-pressed={listening.value}
      title={monitorText(listening.value ? 'monitor.listening' : 'monitor.listen')}
      data-testid="monitor-listen"
      onClick={() => {
        listening.value = !listening.value;
      }}
    >
      <Icon name="headphones" />
      <span class="listen-word">{monitorText('monitor.listen')}</span>
    </button>
  );
}

/** The mix without oneself. */
function ProgramSound({ session, media }: Props) {
  const { sound, hears } = session.monitor;
  const track = hears.value ? sound.value?.track : undefined;
  return track ? <Sound session={session} media={media} track={track} /> : null;
}

/** Somebody has just clicked for it, so no browser holds it back. */
function Sound({ session, media, track }: Props & { track: MediaStreamTrack }) {
  const ref = useRef<HTMLAudioElement>(null);
  useSpeaker(ref, media);
  useEffect(() => {
    const player = ref.current;
    if (!player) return;
    player.srcObject = new MediaStream([track]);
    player.play().catch(() => {
      session.monitor.listening.value = false;
    });
    return () => {
      player.srcObject = null;
    };
  }, [track]);
  // biome-ignore lint/a11y/useMediaCaption: live voices have no captions to give.
  return <audio ref={ref} autoplay data-testid="monitor-sound" />;
}
