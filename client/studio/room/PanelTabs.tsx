import { useRef } from 'preact/hooks';
import { t } from '../../shared/language.ts';

export type PanelTab = 'show' | 'scene' | 'chat';

interface Props {
  tabs: readonly PanelTab[];
  /** Tab → how much there is that has not been seen. */
  news?: Partial<Record<PanelTab, number>>;
  chosen: PanelTab;
  onChoose: (tab: PanelTab) => void;
}

/** The parts of the panel. As the WAI-ARIA practices have tabs: one stop of the Tab key, arrows go from one to the other. */
export function PanelTabs({ tabs, news = {}, chosen, onChoose }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    const step = event.key === 'ArrowRight' ? 1 : tabs.length - 1;
    const next = (tabs.indexOf(chosen) + step) % tabs.length;
    onChoose(tabs[next] ?? 'show');
    list.current?.querySelectorAll('button')[next]?.focus();
  };
  return (
    <div ref={list} class="panel-tabs" role="tablist" aria-label={t('studio.panel')}>
      {tabs.map((tab) => (
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
          {news[tab] ? (
            <span class="news" data-testid={`news-${tab}`}>
              {news[tab]}
            </span>
          ) : null}
        </button>
      ))}
    </div>
  );
}
