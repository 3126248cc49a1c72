import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { NetworkWay } from '../../../src/contracts/signaling.ts';
import { Icon } from '../../shared/icons.tsx';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import { type Problem, problemOf } from '../../shared/problems.ts';
import { doorText } from '../doorTexts.ts';
import type { Studio } from '../Studio.ts';
import type { NetworkProbe, Step } from './network/NetworkProbe.ts';
import { type Findings, megabits, type Reach, verdictOf } from './network/verdict.ts';

const WAYS = ['udp', 'tcp', 'relay'] as const;

/** The way to the media server, tested when the person wants it. */
export function NetworkCheck({ studio }: { studio: Studio }) {
  const step = useSignal<Step | null>(null);
  const findings = useSignal<Findings | null>(null);
  const problem = useSignal<Problem | null>(null);
  const running = useRef<NetworkProbe | null>(null);
  useEffect(() => () => running.current?.close(), []);

  const test = async (): Promise<void> => {
    if (step.value) return;
    step.value = 'connecting';
    findings.value = null;
    problem.value = null;
    try {
      const probe = await studio.createProbe((next) => {
        step.value = next;
      });
      running.current = probe;
      findings.value = await probe.run();
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      step.value = null;
    }
  };

  return (
    <section class="network" aria-labelledby="network-title" data-testid="network">
      <div class="row wrap">
        <h2 id="network-title" class="grow">
          {doorText('network.title')}
        </h2>
        <button
          type="button"
          class="button slim"
          data-testid="network-test"
          aria-disabled={step.value !== null}
          onClick={() => void test()}
        >
          {doorText(findings.value || problem.value ? 'network.again' : 'network.test')}
        </button>
      </div>
      <div role="status" class="small">
        {step.value ? (
          <p class="row">
            <span class="spinner small-spinner" />
            {doorText(`network.step.${step.value}`)}
          </p>
        ) : findings.value ? (
          <Found findings={findings.value} asked={studio.media.value.settings.quality.value} />
        ) : problem.value ? null : (
          <p class="muted">{doorText('network.lead')}</p>
        )}
      </div>
      {problem.value?.code === 'too-many' ? (
        <p class="small" role="alert" data-testid="network-busy">
          {doorText('network.busy')}
        </p>
      ) : problem.value ? (
        <ProblemNotice problem={problem.value} />
      ) : null}
    </section>
  );
}

function Found({ findings, asked }: { findings: Findings; asked: number }) {
  const { level, way, sentences } = verdictOf(findings, asked);
  const { ways, uploadBps } = findings;
  // The test's own limit is not the line's.
  const most = findings.limitBps * 0.9;
  return (
    <div class="stack-tight" data-testid="network-verdict" data-level={level} data-way={way ?? 'none'}>
      <dl class="ways">
        {WAYS.map((each) => {
          const reach = ways[each];
          return reach ? <Row key={each} way={each} reach={reach} /> : null;
        })}
        {uploadBps === null ? null : (
          <Line name={doorText('network.upload')} state="good" testId="network-upload">
            {doorText(uploadBps < most ? 'network.mbit' : 'network.mbit.more', {
              mbit: megabits(Math.min(uploadBps, most)),
            })}
          </Line>
        )}
      </dl>
      {sentences.map(({ key, values }) => (
        <p key={key} class={`verdict ${level}`} data-sentence={key}>
          <Icon name={level === 'good' ? 'check' : level === 'fair' ? 'info' : 'warning'} />
          <span>{doorText(key, values)}</span>
        </p>
      ))}
    </div>
  );
}

function Row({ way, reach }: { way: NetworkWay; reach: Reach }) {
  const { reached, rttMs } = reach;
  return (
    <Line name={doorText(`network.${way}`)} state={reached ? 'good' : 'bad'} testId={`network-${way}`}>
      {!reached
        ? doorText('network.blocked')
        : rttMs === undefined
          ? doorText('network.reached')
          : doorText('network.reached.rtt', { ms: Math.max(1, Math.round(rttMs)) })}
    </Line>
  );
}

interface LineProps {
  name: string;
  state: 'good' | 'bad';
  testId: string;
  children: ComponentChildren;
}

function Line({ name, state, testId, children }: LineProps) {
  return (
    <div data-testid={testId} data-state={state}>
      <dt>{name}</dt>
      <dd class={state}>{children}</dd>
    </div>
  );
}
