/** Figures as they are shown: each with its name, in the reader's language. */
import type { PersonHealth, ProgramHealth } from '../../../../src/contracts/health.ts';
import { formatBitrate } from '../../../shared/format.ts';
import { healthText } from './healthTexts.ts';

export interface Fact {
  name: string;
  value: string;
  /** What it is of, where that is not plain. */
  title?: string;
}

/** Not known. */
const NONE = '–';
const ms = (value: number): string => `${Math.round(value)} ms`;
const percent = (value: number): string => `${value.toFixed(1)} %`;

/** The program's figures that a host looks at. */
export function factsOf(program: ProgramHealth): Fact[] {
  const { fps, latePercent, cpuPercent, latencyMs, viewers } = program;
  return [
    { name: healthText('health.fps'), value: fps.toFixed(1) },
    { name: healthText('health.late'), value: percent(latePercent) },
    {
      name: healthText('health.cpu'),
      value: cpuPercent === null ? NONE : `${cpuPercent} %`,
      title: healthText('health.cpu.what'),
    },
    {
      name: healthText('health.latency'),
      value: latencyMs === null ? NONE : `${(latencyMs / 1000).toFixed(1)} s`,
      title: healthText('health.latency.what'),
    },
    { name: healthText('health.viewers'), value: String(viewers) },
  ];
}

/** All of them. */
export function programFacts(program: ProgramHealth): Fact[] {
  const { bitrate, stalledPercent, clockErrorMs, deliveryMs } = program;
  return [
    ...factsOf(program),
    { name: healthText('health.bitrate'), value: formatBitrate(bitrate) },
    ...(stalledPercent === null ? [] : [{ name: healthText('health.stalled'), value: percent(stalledPercent) }]),
    { name: healthText('health.delivery'), value: ms(deliveryMs) },
    { name: healthText('health.clock'), value: `${clockErrorMs.toFixed(1)} ms` },
  ];
}

/** Of a person's upload; what is not known is left out. */
export function personFacts({ picture, layers, protocol, availableBps, ...person }: PersonHealth): Fact[] {
  const shown = picture && picture.width > 0 ? picture : null;
  const facts: { name: string; value: string | null }[] = [
    { name: healthText('health.bitrate'), value: formatBitrate(person.bitrate) },
    { name: healthText('health.lost'), value: person.lostPercent === null ? null : percent(person.lostPercent) },
    { name: healthText('health.rtt'), value: person.rttMs === null ? null : ms(person.rttMs) },
    { name: healthText('health.jitter'), value: person.jitterMs === null ? null : ms(person.jitterMs) },
    {
      name: healthText('health.picture'),
      value: shown && `${shown.width}×${shown.height}, ${Math.round(shown.fps)}/s`,
    },
    { name: healthText('health.layers'), value: layers && `${layers.sent}/${layers.of}` },
    { name: healthText('health.available'), value: availableBps === null ? null : formatBitrate(availableBps) },
    { name: healthText('health.way'), value: protocol?.toUpperCase() ?? null },
  ];
  return facts.filter((fact): fact is Fact => fact.value !== null);
}
