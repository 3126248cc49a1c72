import { Icon } from '../../../shared/icons.tsx';
import { monitorText } from '../../../shared/monitorTexts.ts';
import type { StudioSession } from '../../session/StudioSession.ts';

/** Shows and hides the program. */
export function MonitorToggle({ session }: { session: StudioSession }) {
  const { monitor } = session;
  const shown = monitor.shown.value === true;
  const label = monitorText(shown ? 'monitor.hide' : 'monitor.show');
  return (
    <button
      type="button"
      class="button slim monitor-toggle"
      aria-label={label}
      title={label}
      data-testid="monitor-toggle"
      data-state={shown ? 'on' : 'off'}
      onClick={() => monitor.show(!shown)}
    >
      <Icon name={shown ? 'eye' : 'eye-off'} />
      <span class="toggle-word" aria-hidden="true">
        {monitorText('monitor.title')}
      </span>
    </button>
  );
}
