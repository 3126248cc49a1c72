/**
 * `<lianmai-player room="demo">` for pages of others: `<script src="https://SERVER/embed/player.js" async></script>`. A frame with our
 * player in it, as wide as its place and 16:9. A plain script with nothing to import, since a module would need CORS.
 *
 *   room     which room is shown
 *   server   https://SERVER; left out: where the script came from
 *   token    a playback token, for a broadcast that wants one
 */
(() => {
  const NAME = 'lianmai-player';
  if (customElements.get(NAME)) return;
  const script = document.currentScript;
  const home = script instanceof HTMLScriptElement ? new URL(script.src).origin : location.origin;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    ':host{display:block;aspect-ratio:16/9;background:#000}:host([hidden]){display:none}' +
      'iframe{display:block;width:100%;height:100%;border:0}',
  );

  class LianmaiPlayer extends HTMLElement {
    static readonly observedAttributes = ['room', 'server', 'token'];
    readonly #frame = document.createElement('iframe');

    constructor() {
      super();
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [sheet];
      this.#frame.allow = 'autoplay; fullscreen; picture-in-picture';
      this.#frame.title = 'Lianmai';
      root.append(this.#frame);
    }

    connectedCallback(): void {
      this.#show();
    }

    attributeChangedCallback(): void {
      if (this.isConnected) this.#show();
    }

    #show(): void {
      const room = this.getAttribute('room');
      if (!room) {
        this.#frame.removeAttribute('src');
        return;
      }
      const url = new URL(`/embed/${encodeURIComponent(room)}`, this.getAttribute('server') ?? home);
      const token = this.getAttribute('token');
      if (token) url.hash = `token=${encodeURIComponent(token)}`;
      this.#frame.title = `Lianmai: ${room}`;
      if (this.#frame.src !== url.href) this.#frame.src = url.href;
    }
  }
  customElements.define(NAME, LianmaiPlayer);
})();
