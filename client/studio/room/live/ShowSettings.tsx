import type { Signal } from '@preact/signals';
import { describedBy, Field } from '../../../shared/Field.tsx';
import {
  COUNTDOWNS,
  DVR_SECONDS,
  QUALITIES,
  QUALITY_NAMES,
  type Quality,
  type ShowDraft,
} from '../../session/ShowDraft.ts';
import { showText } from './showTexts.ts';

/** Seconds that everybody gets to look into the camera. */
export function CountdownChoice({ draft }: { draft: ShowDraft }) {
  return (
    <fieldset class="choices">
      <legend>{showText('show.countdown')}</legend>
      {COUNTDOWNS.map((seconds) => (
        <label key={seconds}>
          <input
            type="radio"
            name="countdown"
            value={seconds}
            data-testid={`countdown-${seconds}`}
            checked={draft.countdown.value === seconds}
            onChange={() => {
              draft.countdown.value = seconds;
              draft.remember();
            }}
          />
          <span>
            {seconds === 0 ? showText('show.countdown.off') : showText('show.countdown.seconds', { seconds })}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** Whether it is recorded; and, folded away, how it is encoded and how far viewers can go back. */
export function ShowSettings({ draft }: { draft: ShowDraft }) {
  return (
    <>
      <Check id="record" wish={draft.record} label={showText('show.record')} hint={showText('show.record.hint')} />
      <details class="fold" data-testid="show-settings">
        <summary>{showText('show.settings')}</summary>
        <div class="stack">
          <Field id="show-quality" label={showText('show.quality')}>
            <select
              id="show-quality"
              class="input"
              value={draft.quality.value}
              onChange={(event) => {
                draft.quality.value = event.currentTarget.value as Quality;
              }}
            >
              {QUALITY_NAMES.map((name) => (
                <option key={name} value={name}>
                  {`${name} · ${QUALITIES[name].bitrate / 1e6} Mbit/s`}
                </option>
              ))}
            </select>
          </Field>
          <Check id="portrait" wish={draft.portrait} label={showText('show.quality.portrait')} />
          <Check id="ladder" wish={draft.ladder} label={showText('show.ladder')} hint={showText('show.ladder.hint')} />
          <Field id="show-dvr" label={showText('show.dvr')}>
            <select
              id="show-dvr"
              class="input"
              value={String(draft.dvr.value)}
              onChange={(event) => {
                const chosen = Number(event.currentTarget.value);
                draft.dvr.value = DVR_SECONDS.find((seconds) => seconds === chosen) ?? 0;
              }}
            >
              {DVR_SECONDS.map((seconds) => (
                <option key={seconds} value={String(seconds)}>
                  {showText(`show.dvr.${seconds}`)}
                </option>
              ))}
            </select>
          </Field>
        </div>
      </details>
    </>
  );
}

function Check({ id, wish, label, hint }: { id: string; wish: Signal<boolean>; label: string; hint?: string }) {
  return (
    <div class="show-check">
      <input
        id={`show-${id}`}
        type="checkbox"
        data-testid={`show-${id}`}
        checked={wish.value}
        aria-describedby={hint ? describedBy(id) : undefined}
        onChange={(event) => {
          wish.value = event.currentTarget.checked;
        }}
      />
      <label for={`show-${id}`}>{label}</label>
      {hint ? (
        <span class="show-check-hint small muted" id={describedBy(id)}>
          {hint}
        </span>
      ) : null}
    </div>
  );
}
