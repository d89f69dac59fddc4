// One event stream of a board for all tabs of a browser: over HTTP/1.1 a seventh one would wait for ever. A shared worker.
//
// A tab that joins late has its own snapshot; what it lacks between that and the stream the next heartbeat tells it.

const SILENCE_MS = 12_500;
const streams = new Map(); // address without its query → {source, ports, heard}

function open(address, since, port) {
  const known = streams.get(address);
  const ports = known?.ports ?? new Set();
  ports.add(port);
  if (known && known.source.readyState !== EventSource.CLOSED && performance.now() - known.heard < SILENCE_MS) {
    if (known.beat) port.postMessage({ address, name: "beat", data: known.beat });
    return;
  }
  known?.source.close();
  const source = new EventSource(`${address}?since=${encodeURIComponent(since)}`);
  const stream = { source, ports, heard: performance.now(), beat: null };
  streams.set(address, stream);
  const tell = (message) => {
    if (streams.get(address) !== stream) return;
    stream.heard = performance.now();
    for (const each of ports) each.postMessage({ address, ...message });
  };
  for (const name of ["snapshot", "delta", "beat", "bye"]) {
    source.addEventListener(name, (event) => {
      if (name === "beat") stream.beat = event.data;
      else stream.beat = null; // it named a version that is no longer the newest
      tell({ name, data: event.data });
    });
  }
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) tell({ name: "closed" });
  });
}

function close(address, port) {
  const known = streams.get(address);
  known?.ports.delete(port);
  if (known && known.ports.size === 0) {
    known.source.close();
    streams.delete(address);
  }
}

addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data: { type, address, since } }) => {
    if (type === "open") open(address, since, port);
    else if (type === "close") close(address, port);
    else for (const each of streams.keys()) close(each, port);
  };
});
