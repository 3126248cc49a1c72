import type { Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { deskText } from '../../../shared/deskTexts.ts';
import { KeysDialog } from '../../../shared/KeysDialog.tsx';
import { isTyping, keysOn } from '../../../shared/keysSwitch.ts';
import { t } from '../../../shared/language.ts';
import { monitorText } from '../../../shared/monitorTexts.ts';
import { announce } from '../../Announcer.tsx';
import { isMuted, toggleCamera, toggleMute, toggleScreen } from '../../media/ownControls.ts';
import type { Studio } from '../../Studio.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import type { PanelTab } from '../PanelTabs.tsx';
import { chooseLayout, pinPerson, step, toggleLowerThird } from './hostKeys.ts';
import { keysOpen } from './keysOpen.ts';
import { printed, SHORTCUTS, type ShortcutId, shortcutOf } from './shortcuts.ts';

interface Props {
  studio: Studio;
  session: StudioSession;
  /** The panel is open, and what it shows. */
  panel: Signal<boolean>;
  tab: Signal<PanelTab>;
}

const GROUPS = ['own', 'room', 'host'] as const;

/** The studio's keys, and the list of them. Nothing on the page but the dialog, while it is asked for. */
export function StudioKeys(props: Props) {
  const { session } = props;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const match = shortcutOf(event);
      if (!match || event.repeat || event.isComposing || event.defaultPrevented || isTyping(event.target)) return;
      // Where a dialog asks something, keys are for its answer.
      if (document.querySelector('dialog[open]') !== null) return;
      if (!match.withModifier && !keysOn()) return;
      const host = session.state.self.value?.role === 'host';
      if (!host && SHORTCUTS.find(({ id }) => id === match.id)?.group === 'host') return;
      event.preventDefault();
      ACTIONS[match.id](props, match.digit);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [props.studio, session]);
  return keysOpen.value ? <StudioKeysDialog host={session.state.self.value?.role === 'host'} /> : null;
}

type Action = (props: Props, digit: number) => void;

const opens =
  (wanted: PanelTab, selector = ''): Action =>
  ({ panel, tab }) =>
    openTab(panel, tab, wanted, selector);

const ACTIONS: Record<ShortcutId, Action> = {
  mute: ({ studio }) => {
    const media = studio.media.value;
    const wasMuted = isMuted(media);
    toggleMute(media);
    announce(deskText(wasMuted ? 'keys.said.unmuted' : 'keys.said.muted'));
  },
  camera: ({ studio }) => {
    const media = studio.media.value;
    const wasOn = media.camera.value !== null;
    toggleCamera(media);
    announce(deskText(wasOn ? 'keys.said.camera.off' : 'keys.said.camera.on'));
  },
  screen: ({ studio }) => toggleScreen(studio.media.value),
  panel: ({ panel }) => {
    panel.value = !panel.value;
  },
  program: ({ session }) => {
    const { monitor } = session;
    monitor.show(monitor.shown.value !== true);
    announce(monitorText(monitor.shown.value ? 'monitor.said.shown' : 'monitor.said.hidden'));
  },
  show: opens('show'),
  scene: opens('scene'),
  chat: opens('chat'),
  layout: ({ session }, digit) => chooseLayout(session, digit),
  pin: ({ session }, digit) => pinPerson(session, digit),
  lowerThird: ({ studio, session, panel, tab }) => {
    if (!toggleLowerThird(session, studio.room)) openTab(panel, tab, 'scene', '#scene-title');
  },
  // A broadcast neither begins nor ends by one letter: the key goes to the button that asks.
  live: opens('show', '.live-action'),
  undo: ({ session }) => step(session, 'undo'),
  redo: ({ session }) => step(session, 'redo'),
  help: () => {
    keysOpen.value = true;
  },
};

/** Opens this part of the panel, and puts the focus there: on what the selector finds, or on the part's tab. */
function openTab(panel: Signal<boolean>, tab: Signal<PanelTab>, wanted: PanelTab, selector: string): void {
  panel.value = true;
  tab.value = wanted;
  // When it has been drawn.
  requestAnimationFrame(() => {
    const found = selector && document.querySelector<HTMLElement>(`#panel-content ${selector}`);
    (found || document.getElementById(`panel-tab-${wanted}`))?.focus();
  });
}

function StudioKeysDialog({ host }: { host: boolean }) {
  const mac = /mac|iphone|ipad/i.test(navigator.platform);
  return (
    <KeysDialog
      title={deskText('keys.title')}
      or={deskText('keys.or')}
      switchLabel={deskText('keys.switch')}
      switchHint={deskText('keys.switch.hint')}
      close={t('common.close')}
      onClose={() => {
        keysOpen.value = false;
      }}
      groups={GROUPS.filter((group) => host || group !== 'host').map((group) => ({
        title: deskText(`keys.group.${group}`),
        rows: SHORTCUTS.filter((shortcut) => shortcut.group === group).map(({ id, chords }) => ({
          ways: chords.map((chord) => printed(chord, mac)),
          text: deskText(`keys.${id}`),
        })),
      }))}
    />
  );
}
