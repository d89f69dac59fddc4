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
    const address = new URL(`${this.base}/events`, location.href).href;
    const take = (name, text) => {
      let data;
      try {
        data = JSON.parse(text);
      } catch {
        return; // a half line of a connection that broke; the checksum will tell
      }
      this.give({ type: name, data, streamed: true });
    };
    this.source = shared() ? new SharedSource(address, since) : new OwnSource(address, since);
    const { source } = this;
    source.listen((name, text) => {
      if (this.source !== source) return;
      if (name === "closed") this.give({ type: "closed" });
      else take(name, text);
    });
  }

  #close() {
    this.source?.close();
    this.source = null;
  }
}

const EVENTS = ["snapshot", "delta", "beat", "bye"];

/** The browser's own stream, of this tab alone. */
class OwnSource {
  constructor(address, since) {
    this.source = new EventSource(`${address}?since=${encodeURIComponent(since)}`);
  }

  listen(tell) {
    for (const name of EVENTS) this.source.addEventListener(name, (event) => tell(name, event.data));
    this.source.addEventListener("error", () => {
      // While it is CONNECTING the browser tries again itself; after a refusal it never does.
      if (this.source.readyState === EventSource.CLOSED) tell("closed");
    });
  }

  close() {
    this.source.close();
  }
}

let worker; // of all tabs; null where the browser has none

function shared() {
  if (worker === undefined) {
    try {
      worker = new SharedWorker("stream.mjs", { type: "module", name: "lotrinh" });
      worker.onerror = () => {
        worker = null;
      };
      worker.port.start();
      addEventListener("pagehide", () => worker?.port.postMessage({ type: "leave" }));
    } catch {
      worker = null;
    }
  }
  return worker;
}

/** One stream for all tabs: six connections are all that a browser makes to one server over HTTP/1.1. */
class SharedSource {
  constructor(address, since) {
    this.address = address;
    this.port = worker.port;
    this.port.postMessage({ type: "open", address, since });
  }

  listen(tell) {
    this.port.onmessage = ({ data }) => {
      if (data.address === this.address) tell(data.name, data.data);
    };
  }

  close() {
    this.port.onmessage = null;
    this.port.postMessage({ type: "close", address: this.address });
  }
}
