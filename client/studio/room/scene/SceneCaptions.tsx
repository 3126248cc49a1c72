import './captions.css';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { CaptionAnswer, CaptionTracks } from '../../../../src/contracts/captions.ts';
import { SCENE_TEXT } from '../../../shared/contract.ts';
import {
  captionLanguage,
  captionPlace,
  captionStay,
  durationOf,
  LANGUAGES,
  PLACES,
  type Place,
  rememberCaption,
  STAYS,
  type Stay,
} from '../../session/captionSettings.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { captionText } from './captionTexts.ts';
import { Select } from './SceneFields.tsx';

/** Captions as they are typed live: Enter sends a line and makes room for the next. */
export function SceneCaptions({ session }: { session: StudioSession }) {
  const tracks = liveTracks(session);
  const [text, place, stay, language] = [
    ...[useSignal(''), useSignal<Place>(captionPlace()), useSignal<Stay>(captionStay())],
    useSignal<string>(captionLanguage()),
  ] as const;
  const input = useRef<HTMLInputElement>(null);
  const shown = useShown(session);
  const toViewers = tracks.length > 0;
  const send = async (words: string, where: Place): Promise<void> => {
    const spoken = tracks.some((track) => track.language === language.value) ? { language: language.value } : {};
    const input = {
      text: words,
      place: toViewers ? where : ('picture' as const),
      ...spoken,
      ...durationOf(stay.value),
    };
    const answer = await session.show.say(input);
    if (answer) shown.said(answer);
  };
  return (
    <form
      class="scene-form captions-form"
      aria-label={captionText('captions.title')}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const words = text.value.trim();
        if (words === '') return;
        // At once: the next line is being typed while this one is on its way.
        text.value = '';
        input.current?.focus();
        void send(words, place.value);
      }}
    >
      <div class="field">
        <label for="scene-captions">{captionText('captions.line')}</label>
        <div class="row">
          <input
            ref={input}
            id="scene-captions"
            class="input grow"
            type="text"
            dir="auto"
            autocomplete="off"
            enterkeyhint="send"
            data-testid="scene-captions"
            aria-describedby="captions-hint"
            maxLength={SCENE_TEXT.captions}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
          <button
            type="submit"
            class="button slim"
            data-testid="captions-show"
            aria-disabled={text.value.trim() === ''}
          >
            {captionText('captions.send')}
          </button>
        </div>
        <p id="captions-hint" class="small muted">
          {captionText(toViewers ? 'captions.hint' : 'captions.hint.offAir')}
        </p>
      </div>
      <div class="captions-now">
        <p class="small" aria-live="polite" data-testid="captions-now" dir="auto">
          {shown.text === '' ? captionText('captions.none') : captionText('captions.now', { text: shown.text })}
        </p>
        {shown.text === '' ? null : (
          <button
            type="button"
            class="button outline slim"
            data-testid="captions-hide"
            onClick={() => void send('', 'both')}
          >
            {captionText('captions.takeOff')}
          </button>
        )}
      </div>
      <Choice
        id="captions-place"
        label={captionText('captions.place')}
        value={toViewers ? place.value : 'picture'}
        options={(toViewers ? PLACES : (['picture'] as const)).map((one) => [
          one,
          captionText(`captions.place.${one}`),
        ])}
        onChange={(next) => {
          place.value = next as Place;
          rememberCaption('place', next);
        }}
      />
      <div class="captions-choices">
        <Choice
          id="captions-stay"
          label={captionText('captions.stay')}
          value={stay.value}
          options={STAYS.map((one) => [one, stayName(one)])}
          onChange={(next) => {
            stay.value = next as Stay;
            rememberCaption('stay', next);
          }}
        />
        <Language tracks={tracks} value={language} />
      </div>
    </form>
  );
}

/** The languages in which viewers can have captions now. */
function liveTracks(session: StudioSession): CaptionTracks {
  const status = session.state.broadcast.value;
  return status?.state === 'live' || status?.state === 'recovering' ? status.captions : [];
}

/** Before a broadcast it is what the next one is started with; while there is one, which of its languages the line is in. */
function Language({ tracks, value }: { tracks: CaptionTracks; value: { value: string } }) {
  const live = tracks.length > 0;
  const [first] = tracks;
  const there = tracks.some(({ language }) => language === value.value);
  return (
    <Choice
      id="captions-language"
      label={captionText('captions.language')}
      hint={live ? undefined : captionText('captions.language.next')}
      value={live && !there ? (first?.language ?? '') : value.value}
      options={(live ? tracks.map(({ language }) => language) : LANGUAGES).map((tag) => [tag, languageName(tag)])}
      onChange={(next) => {
        value.value = next;
        if (!live) rememberCaption('language', next);
      }}
    />
  );
}

interface ChoiceProps<V extends string> {
  id: string;
  label: string;
  hint?: string | undefined;
  value: V;
  options: readonly (readonly [value: V, name: string])[];
  onChange: (value: V) => void;
}

/** Its label above it. */
function Choice<V extends string>({ label, hint, ...select }: ChoiceProps<V>) {
  return (
    <div class="field">
      <label for={select.id}>{label}</label>
      <Select {...select} describedBy={hint ? `${select.id}-hint` : undefined} />
      {hint ? (
        <p id={`${select.id}-hint`} class="small muted">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

function stayName(stay: Stay): string {
  if (stay === 'read' || stay === 'next') return captionText(`captions.stay.${stay}`);
  return captionText('captions.stay.seconds', { seconds: stay });
}

/** In its own words, as people look for it. */
function languageName(tag: string): string {
  if (tag === 'und') return captionText('captions.language.und');
  return new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
}

/** What is shown now: on the picture by whoever, or to viewers by this page, until its time is over. */
function useShown(session: StudioSession): { text: string; said: (answer: CaptionAnswer) => void } {
  const said = useSignal<{ text: string } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onPicture = session.scene.scene.value?.captions ?? '';
  return {
    text: onPicture || (liveTracks(session).length > 0 ? (said.value?.text ?? '') : ''),
    said: ({ text, language, durationMs }) => {
      clearTimeout(timer.current);
      said.value = language === null || text === '' ? null : { text };
      if (durationMs !== null)
        timer.current = setTimeout(() => {
          said.value = null;
        }, durationMs);
    },
  };
}
