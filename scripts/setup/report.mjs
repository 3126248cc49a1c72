// What the set-up says. It speaks on stderr, so that the output of what it was called for stays clean.

/** Without a terminal, a step that can count says so each time another 10 % are done, */
const PERCENT_PER_LINE = 10;
/** and one that cannot count says every half minute that it is still at work. */
const LOG_HEARTBEAT_MS = 30_000;
const TERMINAL_HEARTBEAT_MS = 1_000;

/** Thins progress out for a log: answers a text each time another 10 % are done, else undefined. */
export class PercentSteps {
  #next = PERCENT_PER_LINE;

  /**
   * @param {number} done
   * @param {number} total
   * @returns {string | undefined}
   */
  advance(done, total) {
    const percent = total > 0 ? Math.floor((100 * done) / total) : 0;
    if (percent < this.#next) return undefined;
    const reached = percent - (percent % PERCENT_PER_LINE);
    this.#next = reached + PERCENT_PER_LINE;
    return `${reached} % (${done} of ${total})`;
  }
}

/**
 * @param {number} ms
 * @returns {string} as in "0.4 s", "38 s", "6 min 12 s"
 */
export function duration(ms) {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** One step's lines: what is being done, how far it is, how long it took. */
export class StepReport {
  #stream;
  #title;
  #startedAt = Date.now();
  #steps = new PercentSteps();
  /** The last progress, shown in the terminal's updating line. */
  #counted = '';
  #lineIsOpen = false;
  #heartbeat;

  /**
   * @param {string} title as in "npm packages"
   * @param {string} takes how long it is expected to take, as in "about a minute"
   * @param {{ isTTY?: boolean, write(text: string): unknown }} [stream]
   */
  constructor(title, takes, stream = process.stderr) {
    this.#stream = stream;
    this.#title = title;
    this.note(takes);
    const period = stream.isTTY ? TERMINAL_HEARTBEAT_MS : LOG_HEARTBEAT_MS;
    this.#heartbeat = setInterval(() => this.#beat(), period).unref();
  }

  /** @param {string} text */
  note(text) {
    this.#closeLine();
    this.#stream.write(`set-up: ${this.#title}: ${text}\n`);
  }

  /**
   * @param {number} done
   * @param {number} total
   */
  progress(done, total) {
    this.#counted = `${done} of ${total}, `;
    if (this.#stream.isTTY) {
      this.#beat();
      return;
    }
    const text = this.#steps.advance(done, total);
    if (text !== undefined) this.note(text);
  }

  /** Ends the report of a step that went well. */
  done() {
    this.close();
    this.note(`ready after ${this.#elapsed()}`);
  }

  /** Ends the report without a word, leaving the terminal at the start of a line. */
  close() {
    clearInterval(this.#heartbeat);
    this.#closeLine();
  }

  #beat() {
    if (!this.#stream.isTTY) {
      if (this.#counted === '') this.note(`still at work, ${this.#elapsed()}`);
      return;
    }
    this.#stream.write(`\r\x1b[2Kset-up: ${this.#title}: ${this.#counted}${this.#elapsed()}`);
    this.#lineIsOpen = true;
  }

  #elapsed() {
    return duration(Date.now() - this.#startedAt);
  }

  #closeLine() {
    if (this.#lineIsOpen) this.#stream.write('\n');
    this.#lineIsOpen = false;
  }
}
