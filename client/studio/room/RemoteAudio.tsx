import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { useSpeaker } from '../door/useSpeaker.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import type { StudioSession } from '../session/StudioSession.ts';

/** The sound of the others, and a button where the browser holds it back. */
export function RemoteAudio({ session, media }: { session: StudioSession; media: LocalMedia }) {
  const blocked = useSignal(false);
  const players = useRef(new Set<HTMLAudioElement>());
  const tracks = session.state.remote.value.filter((remote) => remote.track.kind === 'audio');
  const allow = async () => {
    blocked.value = false;
    await Promise.all([...players.current].map((player) => player.play())).catch(() => {
      blocked.value = true;
    });
  };
  return (
    <>
      {tracks.map((remote) => (
        <Player
          key={remote.consumerId}
          track={remote.track}
          silent={session.monitor.hears.value}
          media={media}
          players={players.current}
          onBlocked={() => {
            blocked.value = true;
          }}
        />
      ))}
      {blocked.value ? (
        <div class="notice info" role="alert">
          <Icon name="speaker-off" />
          <div class="grow">
            <strong>{t('studio.sound.blocked')}</strong>
            <div class="actions">
              <button type="button" class="button slim" onClick={() => void allow()}>
                {t('studio.sound.allow')}
              </button>
            </div>
          </div>
        </div>
      ) : null}
    </>
  );
}

interface PlayerProps {
  track: MediaStreamTrack;
  /** It is heard by the program (monitor/Monitor.tsx). */
  silent: boolean;
  media: LocalMedia;
  players: Set<HTMLAudioElement>;
  onBlocked: () => void;
}

function Player({ track, silent, media, players, onBlocked }: PlayerProps) {
  const ref = useRef<HTMLAudioElement>(null);
  useSpeaker(ref, media);
  useEffect(() => {
    const player = ref.current;
    if (!player) return;
    players.add(player);
    player.srcObject = new MediaStream([track]);
    player.play().catch((error: unknown) => {
      if (error instanceof Error && error.name === 'NotAllowedError') onBlocked();
    });
    return () => {
      players.delete(player);
      player.srcObject = null;
    };
  }, [track]);
  return <audio ref={ref} autoplay muted={silent} />;
}
