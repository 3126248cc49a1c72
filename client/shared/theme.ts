import { effect, signal } from '@preact/signals';
import { language } from './language.ts';
import { remembered } from './storage.ts';

export const THEMES = ['system', 'dark', 'light'] as const;
export type Theme = (typeof THEMES)[number];

const kept = remembered.get('theme');
export const theme = signal<Theme>(kept === 'dark' || kept === 'light' ? kept : 'system');

export function setTheme(next: Theme): void {
  remembered.set('theme', next);
  theme.value = next;
}

/** Keeps <html> in step with theme and language. */
export function followSettings(): void {
  effect(() => {
    const root = document.documentElement;
    if (theme.value === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme.value;
    root.lang = language.value === 'zh' ? 'zh-CN' : 'en';
  });
}
