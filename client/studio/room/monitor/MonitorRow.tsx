import type { ComponentChildren } from 'preact';
import type { StudioSession } from '../../session/StudioSession.ts';
import { Monitor } from './Monitor.tsx';
import './monitor.css';

/** The program beside or above the people, whichever leaves both more room; the people alone where it is not on show. */
export function MonitorRow({ session, children }: { session: StudioSession; children: ComponentChildren }) {
  return (
    <div class="monitor-row">
      <div class="monitor-grid">
        <Monitor session={session} />
        {children}
      </div>
    </div>
  );
}
