import { render } from 'preact';
import { followSettings } from '../shared/theme.ts';
import { HomePage } from './HomePage.tsx';

followSettings();
const root = document.getElementById('app');
if (root) render(<HomePage />, root);
