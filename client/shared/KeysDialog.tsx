import './keys.css';
import { Dialog } from './Dialog.tsx';
import { keysOn, setKeysOn } from './keysSwitch.ts';

export interface KeyRow {
  /** As they are printed on the keys; each is pressed with the one before it. Several ways to do the same are several lists. */
  ways: readonly (readonly string[])[];
  /** What it does. */
  text: string;
}

export interface KeyGroup {
  title: string;
  rows: readonly KeyRow[];
}

interface Props {
  title: string;
  groups: readonly KeyGroup[];
  /** Between two ways, and between two ends of a range. */
  or: string;
  /** What the switch says, and what holds while it is off. */
  switchLabel: string;
  switchHint: string;
  close: string;
  onClose: () => void;
}

/** The keys of a page, and the switch that turns those of one letter off. */
export function KeysDialog({ title, groups, or, switchLabel, switchHint, close, onClose }: Props) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="keys" data-testid="keys-dialog">
        {groups.map((group) => (
          <section key={group.title}>
            {group.title ? <h3>{group.title}</h3> : null}
            <dl>
              {group.rows.map(({ ways, text }) => (
                <div key={text}>
                  <dt>{text}</dt>
                  <dd>
                    {ways.map((way, i) => (
                      <span key={way.join()}>
                        {i > 0 ? <span class="muted"> {or} </span> : null}
                        {way.map((key) => (
                          <kbd key={key}>{key}</kbd>
                        ))}
                      </span>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <label class="row">
          <input
            type="checkbox"
            data-testid="keys-on"
            checked={keysOn()}
            onChange={(event) => setKeysOn(event.currentTarget.checked)}
          />
          <span>{switchLabel}</span>
        </label>
        <p class="small muted">{switchHint}</p>
      </div>
      <form method="dialog" class="actions">
        {/* biome-ignore lint/a11y/noAutofocus: of a dialog; a stray press must not turn the keys off. */}
        <button type="submit" class="button primary" data-testid="keys-close" autoFocus>
          {close}
        </button>
      </form>
    </Dialog>
  );
}
