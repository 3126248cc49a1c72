import { useRef } from 'preact/hooks';
import { t } from '../../shared/language.ts';

export const PANEL_TABS = ['show', 'scene'] as const;
export type PanelTab = (typeof PANEL_TABS)[number];

interface Props {
  chosen: PanelTab;
  onChoose: (tab: PanelTab) => void;
}

/** The parts of a host's panel. As the WAI-ARIA practices have tabs: one stop of the Tab key, arrows go from one to the other. */
export function PanelTabs({ chosen, onChoose }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    const step = event.key === 'ArrowRight' ? 1 : PANEL_TABS.length - 1;
    const next = (PANEL_TABS.indexOf(chosen) + step) % PANEL_TABS.length;
    onChoose(PANEL_TABS[next] ?? 'show');
    list.current?.querySelectorAll('button')[next]?.focus();
  };
  return (
    <div ref={list} class="panel-tabs" role="tablist" aria-label={t('studio.panel')}>
      {PANEL_TABS.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`panel-tab-${tab}`}
          class="button slim"
          data-testid={`tab-${tab}`}
          aria-selected={tab === chosen}
          aria-controls="panel-content"
          tabIndex={tab === chosen ? 0 : -1}
          onKeyDown={onKey}
          onClick={() => onChoose(tab)}
        >
          {t(`studio.tab.${tab}`)}
        </button>
      ))}
    </div>
  );
}
