import type { ComponentChildren } from 'preact';
import { Logo } from './icons.tsx';
import { language, setLanguage, t } from './language.ts';
import { setTheme, THEMES, type Theme, theme } from './theme.ts';

/** Logo, what the page puts beside it, and the switches for language and appearance. */
export function TopBar({ children }: { children?: ComponentChildren }) {
  return (
    <header class="topbar">
      <a class="logo" href="/" aria-label="Lianmai 连麦">
        <Logo />
        <span class="logo-word">Lianmai</span>
      </a>
      {children}
      <div class="grow" />
      <Settings />
    </header>
  );
}

function Settings() {
  return (
    <div class="settings">
      <select
        class="plain"
        aria-label={t('common.language')}
        value={language.value}
        onChange={(event) => setLanguage(event.currentTarget.value === 'zh' ? 'zh' : 'en')}
      >
        <option value="en">English</option>
        <option value="zh">简体中文</option>
      </select>
      <select
        class="plain theme-switch"
        aria-label={t('common.theme')}
        value={theme.value}
        onChange={(event) => setTheme(event.currentTarget.value as Theme)}
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {t(`common.theme.${name}`)}
          </option>
        ))}
      </select>
    </div>
  );
}
