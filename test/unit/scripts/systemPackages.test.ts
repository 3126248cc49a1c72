import { describe, expect, it } from 'vitest';
import { howToInstall } from '../../../scripts/setup/systemPackages.mjs';

describe('howToInstall', () => {
  it('gives the line to type', () => {
    const debian = howToInstall(['meson', 'g++'], 'the tools of the build', { platform: 'linux', apt: true });
    expect(debian).toContain('\n    sudo apt-get install -y meson g++\n');
    const mac = howToInstall(['ffmpeg'], 'ffmpeg', { platform: 'darwin', apt: false });
    expect(mac).toContain('\n    brew install ffmpeg\n');
  });

  it('names the packages where it does not know the line', () => {
    const other = howToInstall(['ffmpeg'], 'ffmpeg and ffprobe', { platform: 'linux', apt: false });
    expect(other).toMatch(/^missing: ffmpeg and ffprobe.*Debian's names: ffmpeg/);
  });
});
