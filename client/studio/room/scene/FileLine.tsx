import { useSignal } from '@preact/signals';
import { t } from '../../../shared/language.ts';

export type FileKind = 'image' | 'audio';

/** What the server takes; a browser's file dialog shows these. */
const ACCEPT: Record<FileKind, string> = {
  image: 'image/png,image/jpeg,image/webp,image/svg+xml',
  audio: 'audio/mpeg,audio/aac,audio/ogg,audio/flac,audio/wav,audio/mp4,.mp3,.aac,.ogg,.flac,.wav,.m4a',
};

interface Props {
  testId: string;
  /** As people see it; with `of` it is the whole name of the buttons. */
  name: string;
  /** Whose it is, for who cannot see where it stands. */
  of?: string;
  kind: FileKind;
  present: boolean;
  upload: (file: File) => Promise<void>;
  takeOff: () => void;
}

/** A file of the scene: chosen, replaced, taken off. */
export function FileLine({ testId, name, of, kind, present, upload, takeOff }: Props) {
  const busy = useSignal(false);
  const full = of ? `${name}, ${of}` : name;
  const choose = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    // The same file may be chosen again after it was taken off.
    input.value = '';
    if (!file) return;
    busy.value = true;
    await upload(file);
    busy.value = false;
  };
  return (
    <div class="scene-line" data-testid={testId} data-present={present}>
      <span class="grow">{name}</span>
      <label class="button slim file" aria-busy={busy.value}>
        {busy.value ? t('scene.sending') : t(present ? 'scene.replace' : 'scene.choose')}
        <input
          type="file"
          class="visually-hidden"
          accept={ACCEPT[kind]}
          aria-label={`${t(present ? 'scene.replace' : 'scene.choose')}: ${full}`}
          disabled={busy.value}
          onChange={(event) => void choose(event.currentTarget)}
        />
      </label>
      {present ? (
        <button
          type="button"
          class="button outline slim"
          aria-label={`${t('scene.takeOff')}: ${full}`}
          onClick={takeOff}
        >
          {t('scene.takeOff')}
        </button>
      ) : null}
    </div>
  );
}
