import type { ComponentChildren } from 'preact';
import type { LocalMedia } from '../../media/LocalMedia.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { Monitor } from './Monitor.tsx';
import './monitor.css';

interface Props {
  session: StudioSession;
  media: LocalMedia;
  children: ComponentChildren;
}

/** The program beside or above the people, whichever leaves both more room; the people alone where it is not on show. */
export function MonitorRow({ session, media, children }: Props) {
  return (
    <div class="monitor-row">
      <div class="monitor-grid">
        <Monitor session={session} media={media} />
        {children}
      </div>
    </div>
  );
}
