import './upcoming.css';
import { formatRemaining } from '../../shared/format.ts';
import { Icon } from '../../shared/icons.tsx';
import { language } from '../../shared/language.ts';
import { formatWhen } from '../../shared/localTime.ts';
import { useRemaining } from '../../shared/useRemaining.ts';
import type { WatchRoom } from '../WatchRoom.ts';
import { calendarLink } from './calendarFile.ts';
import { upcomingText } from './upcomingTexts.ts';

/** The next broadcast, before it starts: what, when in the viewer's own time, and how long until then. */
export function Upcoming({ watch }: { watch: WatchRoom }) {
  const { title, startsAt } = watch.server.value?.scheduled ?? { title: '', startsAt: 0 };
  const seconds = useRemaining(startsAt, watch.clockOffset.value) ?? 0;
  const name = title || upcomingText('upcoming.title');
  const url = `${location.origin}/watch/${watch.room}`;
  const event = { title: title || upcomingText('upcoming.event', { room: watch.room }), startsAt, url };
  return (
    <>
      <strong data-testid="upcoming-title">{name}</strong>
      {/* The numbers change each second and are not read out; when it starts is. */}
      <span class="upcoming-left" aria-hidden="true" data-testid="upcoming-left" data-seconds={seconds}>
        {seconds > 0 ? formatRemaining(seconds, language.value) : upcomingText('upcoming.now')}
      </span>
      <span>{upcomingText('upcoming.at', { when: formatWhen(startsAt, language.value) })}</span>
      <span class="upcoming-do">{upcomingText('upcoming.do')}</span>
      {seconds > 0 ? (
        <a
          class="button replay"
          data-testid="calendar"
          download={`${watch.room}.ics`}
          href={calendarLink({ ...event, now: Date.now() })}
        >
          <Icon name="calendar" />
          {upcomingText('upcoming.calendar')}
        </a>
      ) : null}
    </>
  );
}
