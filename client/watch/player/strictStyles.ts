/**
 * media-chrome writes its styles as <style> elements into shadow roots, which a content security policy without
 * `unsafe-inline` refuses (muxinc/media-chrome issue 898). This moves them into constructed style sheets, which it allows:
 * the same rules, adopted by the same shadow root. Called once, after the components are defined and before any is made.
 */

type Template = (...args: unknown[]) => string;
interface Component {
  getTemplateHTML?: Template;
  prototype: HTMLElement;
}

/** The root that the constructor, which runs right now, has attached and not filled yet. */
let emptyRoot: ShadowRoot | undefined;

/** Takes the styles out of a template, and the templates of children, which make their own roots. */
export function splitStyles(html: string): { css: string; markup: string } {
  let css = '';
  const markup = html
    .replace(/<template shadowrootmode="[^"]*"[^>]*>[\s\S]*?<\/template>/g, '')
    .replace(/<style[^>]*>([\s\S]*?)<\/style>/g, (_whole, rules: string) => {
      css += rules;
      return '';
    });
  return { css, markup };
}

function adopt(root: ShadowRoot, css: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  // media-chrome looks for `style` elements to add rules to (utils/element-utils.js); it finds our sheet in their place.
  const find = root.querySelectorAll.bind(root);
  const styles = [{ sheet }];
  root.querySelectorAll = ((selector: string) =>
    selector.startsWith('style') ? styles : find(selector)) as typeof root.querySelectorAll;
}

function wrap(component: Component): void {
  const template = component.getTemplateHTML;
  if (!template) return;
  component.getTemplateHTML = function (this: unknown, ...args: unknown[]) {
    // Taken before the call: a template that contains another one calls that too.
    const root = emptyRoot;
    emptyRoot = undefined;
    const { css, markup } = splitStyles(template.apply(this, args));
    if (root) adopt(root, css);
    return markup;
  };
  component.prototype.attachShadow = function (this: HTMLElement, init: ShadowRootInit) {
    emptyRoot = Element.prototype.attachShadow.call(this, init);
    return emptyRoot;
  };
}

/** Treats these elements and all that they inherit from. */
export function useStrictStyles(tags: readonly string[]): void {
  const done = new Set<unknown>();
  for (const tag of tags) {
    let component: unknown = customElements.get(tag);
    while (typeof component === 'function' && component !== HTMLElement && !done.has(component)) {
      done.add(component);
      if (Object.hasOwn(component, 'getTemplateHTML')) wrap(component as unknown as Component);
      component = Object.getPrototypeOf(component);
    }
  }
}
