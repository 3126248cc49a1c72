import { launchBrowser } from '../support/browser.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Pages } from './pages.ts';
const server = await ServerProcess.start();
const pages = new Pages();
const t0 = performance.now();
const say = (...a: unknown[]) => console.log(Math.round(performance.now() - t0), ...a);
const api = new ServerApi(server.url);
const swarm = new Swarm({ url: server.url, peers: 2, token: (n) => api.joinToken('r', n === 0 ? 'host' : 'cohost') });
try {
await swarm.start();
const b = await launchBrowser({ flags: ['--autoplay-policy=document-user-activation-required'] });
const page = await pages.open(b.browser, `${server.url}/watch/r`);
await new Promise(r => setTimeout(r, 1000));
say('start'); await api.startBroadcast('r', { video: { width: 640, height: 360, bitrate: 800_000 } }); say('started');
const cdp = await page.context().newCDPSession(page);
const q = async (e: string) => (await cdp.send('Runtime.evaluate', { expression: e, returnByValue: true })).result.value;
for (let i = 0; i < 24; i++) { await new Promise(r => setTimeout(r, 500)); say(await q(`(()=>{const v=document.querySelector('video'); const h=lianmai.hls; return [v.currentTime.toFixed(2), v.muted, v.playbackRate, h.latency&&h.latency.toFixed(2), h.targetLatency, document.querySelector('[data-testid=state]').dataset.state, !!document.querySelector('[data-testid=unmute]'), v.buffered.length&&v.buffered.end(v.buffered.length-1).toFixed(2), JSON.stringify(h.errors.map(e=>e.details)), h.stalls, h.rescues].join(' ')})()`)); }
await page.locator('body').press('f');
for (let i = 0; i < 3; i++) { await new Promise(r => setTimeout(r, 500)); say(await q(`[document.fullscreenElement?.tagName, document.activeElement.tagName, document.querySelector('media-controller').hasAttribute('mediaisfullscreen')].join()`)); }
await page.keyboard.press('f');
for (let i = 0; i < 3; i++) { await new Promise(r => setTimeout(r, 500)); say(await q(`[document.fullscreenElement?.tagName, document.activeElement.tagName, document.querySelector('media-controller').hasAttribute('mediaisfullscreen')].join()`)); }
await b.close();
} finally { console.log(pages.faults); await swarm.stop(); await server.stop(); }
