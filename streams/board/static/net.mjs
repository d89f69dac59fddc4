// Carries out what the protocol asks for: one EventSource, one fetch at a time, one clock.

const TICK_MS = 500;

export class Net {
  /** @param link the protocol @param board its id @param changed called with each "changed" effect */
  constructor(link, board, changed) {
    this.link = link;
    this.base = `api/v1/boards/${encodeURIComponent(board)}`;
    this.changed = changed;
    this.source = null;
    this.request = null;
  }

  start() {
    this.give({ type: "start" });
    setInterval(() => this.give({ type: "tick" }), TICK_MS);
    // A laptop that wakes up, a cable that is back: do not wait for the next half second.
    for (const event of ["online", "pageshow", "visibilitychange"])
      addEventListener(event, () => this.give({ type: "tick" }));
  }

  give(input) {
    for (const effect of this.link.handle(input, performance.now())) this.#do(effect);
  }

  #do(effect) {
    if (effect.type === "changed") this.changed(effect);
    else if (effect.type === "fetch") this.#fetch(effect);
    else if (effect.type === "open") this.#open(effect.since);
    else if (effect.type === "close") this.#close();
    else if (effect.type === "abort") this.request?.abort();
    else if (effect.type === "report") console.info(`lotrinh: ${effect.reason}`);
  }

  async #fetch({ tag, reason }) {
    const request = new AbortController();
    this.request = request;
    const give = (input) => {
      if (!request.signal.aborted && this.request === request) this.give(input);
    };
    try {
      const headers = tag === null ? {} : { "If-None-Match": `"${tag}"` };
      const address = `${this.base}/snapshot${reason ? `?resync=${reason}` : ""}`;
      const response = await fetch(address, { headers, cache: "no-store", signal: request.signal });
      if (response.status === 304)
        give({ type: "unchanged", fresh: JSON.parse(response.headers.get("Lotrinh-Freshness") ?? "null") });
      else if (response.ok) give({ type: "snapshot", data: await response.json() });
      else give({ type: "failed" });
    } catch {
      give({ type: "failed" });
    }
  }

  #open(since) {
    this.#close();
    const source = new EventSource(`${this.base}/events?since=${encodeURIComponent(since)}`);
    this.source = source;
    const on = (name, input) =>
      source.addEventListener(name, (event) => {
        if (this.source !== source) return;
        let data;
        try {
          data = JSON.parse(event.data);
        } catch {
          return; // a half line of a connection that broke; the checksum will tell
        }
        this.give({ type: input, data, streamed: true });
      });
    for (const name of ["snapshot", "delta", "beat", "bye"]) on(name, name);
    source.addEventListener("error", () => {
      // While it is CONNECTING the browser tries again itself; after a refusal it never does.
      if (this.source === source && source.readyState === EventSource.CLOSED) this.give({ type: "closed" });
    });
  }

  #close() {
    this.source?.close();
    this.source = null;
  }
}
