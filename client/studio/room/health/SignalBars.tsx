import type { UploadLevel } from '../../../../src/contracts/health.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { healthText } from './healthTexts.ts';
import './health.css';

const BARS: Record<UploadLevel, number> = { none: 0, poor: 1, fair: 2, good: 3 };

/** How much of a person arrives, as bars; nothing while it is not known, or when there is nothing to be judged. */
export function SignalBars({ session, peer }: { session: StudioSession; peer: string }) {
  const level = session.health.room.value?.people.find((person) => person.peer === peer)?.level ?? 'none';
  if (level === 'none') return null;
  const word = healthText(`level.${level}`);
  const name = session.state.peers.value.get(peer)?.name ?? '';
  const self = peer === session.state.selfId.value;
  return (
    <svg
      class={`signal ${level}`}
      viewBox="0 0 14 12"
      role="img"
      aria-label={self ? healthText('level.own', { level: word }) : healthText('level.of', { name, level: word })}
      data-testid="signal"
      data-peer={peer}
      data-level={level}
    >
      {[4, 8, 12].map((height, i) => (
        <rect
          key={height}
          class={i < BARS[level] ? 'on' : ''}
          x={i * 5}
          y={12 - height}
          width="4"
          height={height}
          rx="1"
        />
      ))}
    </svg>
  );
}
