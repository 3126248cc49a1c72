import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { SCENE_TEXT } from '../../../shared/contract.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import { Icon } from '../../../shared/icons.tsx';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { isSame, type LowerThird, type LowerThirds, lowerThirdsIn } from './lowerThirds.ts';
import { TextField } from './SceneFields.tsx';
import { ShownForm } from './ShownForm.tsx';

interface Props {
  room: string;
  shown: LowerThird | null;
  edit: (edit: SceneEdit) => void;
}

/** The banner at the bottom left: typed and shown, or kept and shown by one click. */
export function LowerThirdForm({ room, shown, edit }: Props) {
  const kept = lowerThirdsIn(room);
  const title = useSignal(shown?.title ?? '');
  const subtitle = useSignal(shown?.subtitle ?? '');
  // What another host shows is what there is to change now.
  useEffect(() => {
    if (!shown) return;
    kept.shown(shown);
    title.value = shown.title;
    subtitle.value = shown.subtitle;
  }, [shown?.title, shown?.subtitle]);
  const typed = { title: title.value.trim(), subtitle: subtitle.value.trim() };
  const show = (next: LowerThird | null) => edit((was) => ({ ...was, lowerThird: next }));
  return (
    <>
      <ShownForm
        testId="lower-third"
        name={t('scene.lowerThird')}
        shown={shown !== null}
        canShow={typed.title !== '' && !isSame(shown, typed)}
        onShow={() => show(typed)}
        onHide={() => show(null)}
        more={
          <button
            type="button"
            class="button outline slim"
            data-testid="lower-third-keep"
            aria-disabled={typed.title === '' || kept.has(typed)}
            aria-label={`${deskText('desk.keep')}: ${t('scene.lowerThird')}`}
            onClick={() => {
              if (typed.title !== '') kept.keep(typed);
            }}
          >
            {deskText('desk.keep')}
          </button>
        }
      >
        <TextField id="scene-title" label={t('scene.lowerThird.title')} length={SCENE_TEXT.title} value={title} />
        <TextField
          id="scene-subtitle"
          label={t('scene.lowerThird.subtitle')}
          length={SCENE_TEXT.subtitle}
          value={subtitle}
        />
      </ShownForm>
      <Kept kept={kept} shown={shown} onShow={show} />
    </>
  );
}

function Kept({
  kept,
  shown,
  onShow,
}: {
  kept: LowerThirds;
  shown: LowerThird | null;
  onShow: (next: LowerThird | null) => void;
}) {
  if (kept.list.value.length === 0) return null;
  return (
    <ul class="kept" aria-label={deskText('desk.kept')}>
      {kept.list.value.map((entry) => {
        const on = isSame(shown, entry);
        return (
          <li key={`${entry.title}\n${entry.subtitle}`} class="row" data-testid="kept-lower-third">
            <button
              type="button"
              class="button slim toggle grow"
              aria-pressed={on}
              data-testid="kept-show"
              onClick={() => onShow(on ? null : entry)}
            >
              <span class="name">{entry.title}</span>
              {entry.subtitle ? <span class="name second">{entry.subtitle}</span> : null}
            </button>
            <button
              type="button"
              class="button icon-only slim"
              data-testid="kept-forget"
              aria-label={deskText('desk.forget', { name: entry.title })}
              onClick={() => kept.forget(entry)}
            >
              <Icon name="close" />
            </button>
          </li>
        );
      })}
    </ul>
  );
}
