import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { describedBy, Field } from '../../shared/Field.tsx';
import { Icon } from '../../shared/icons.tsx';
import { doorText } from '../doorTexts.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { startTestSound, type TestSound } from './testSound.ts';
import { useSpeaker } from './useSpeaker.ts';

type State = 'idle' | 'playing' | 'asking' | 'heard' | 'unheard';

/** Plays a sound and asks whether it was heard; with the choice of a loudspeaker where the browser has one. */
export function SpeakerCheck({ media }: { media: LocalMedia }) {
  const state = useSignal<State>('idle');
  const player = useRef<HTMLAudioElement>(null);
  const sound = useRef<TestSound | null>(null);
  const { speakers } = media.lists.value;
  useSpeaker(player, media);
  useEffect(() => () => sound.current?.close(), []);

  const play = async (): Promise<void> => {
    const element = player.current;
    if (!element) return;
    sound.current?.close();
    const started = startTestSound();
    sound.current = started;
    state.value = 'playing';
    element.srcObject = started.stream;
    await element.play().catch(() => undefined);
    await started.ended;
    started.close();
    if (sound.current === started && state.value === 'playing') state.value = 'asking';
  };
  const answer = (heard: boolean): void => {
    state.value = heard ? 'heard' : 'unheard';
  };

  return (
    <div class="speaker" data-testid="speaker" data-state={state.value}>
      <Field id="speaker-select" label={doorText('speaker.label')}>
        <div class="row">
          {speakers.length > 0 ? (
            <select
              id="speaker-select"
              class="input"
              data-testid="speaker-select"
              value={media.speaker.value}
              onChange={(event) => {
                media.settings.setSpeaker(event.currentTarget.value);
                state.value = 'idle';
              }}
            >
              <option value="">{doorText('speaker.system')}</option>
              {speakers.map(({ id, label }) => (
                <option key={id} value={id}>
                  {label}
                </option>
              ))}
            </select>
          ) : null}
          <button
            type="button"
            {...(speakers.length > 0 ? {} : { id: 'speaker-select' })}
            class="button"
            data-testid="speaker-test"
            aria-label={doorText('speaker.test.name')}
            aria-describedby={describedBy('speaker')}
            onClick={() => void play()}
          >
            <Icon name="speaker" />
            {doorText('speaker.test')}
          </button>
        </div>
      </Field>
      {/* biome-ignore lint/a11y/useMediaCaption: three notes have no words. */}
      <audio ref={player} data-testid="speaker-sound" />
      <div class="small" role="status" id={describedBy('speaker')}>
        <Told state={state.value} choice={speakers.length > 1} />
      </div>
      {state.value === 'playing' || state.value === 'asking' ? (
        <div class="row">
          <button type="button" class="button slim" data-testid="speaker-yes" onClick={() => answer(true)}>
            {doorText('speaker.yes')}
          </button>
          <button type="button" class="button slim" data-testid="speaker-no" onClick={() => answer(false)}>
            {doorText('speaker.no')}
          </button>
        </div>
      ) : null}
    </div>
  );
}

function Told({ state, choice }: { state: State; choice: boolean }) {
  if (state === 'idle') return null;
  if (state === 'playing' || state === 'asking')
    return <span>{doorText(state === 'playing' ? 'speaker.playing' : 'speaker.ask')}</span>;
  if (state === 'heard') return <span class="good">{doorText('speaker.good')}</span>;
  return <span>{doorText(choice ? 'speaker.help.choose' : 'speaker.help')}</span>;
}
