// Everything the page can be told stands in its address, so that a TV needs nothing but a link.

const CHARS = /^[\w./-]{1,120}$/;

function within(text, least, most, otherwise) {
  const n = Number(text);
  return text !== null && text !== "" && Number.isFinite(n) ? Math.min(most, Math.max(least, n)) : otherwise;
}

function one(text, choices, otherwise) {
  return choices.includes(text) ? text : otherwise;
}

function name(text) {
  return text !== null && CHARS.test(text) ? text : null;
}

/** @param {string} search the address's query, with or without "?" */
export function readOptions(search) {
  const given = new URLSearchParams(search);
  return {
    board: name(given.get("board")),
    indicator: name(given.get("indicator")),
    unit: name(given.get("unit")),
    rotate: within(given.get("rotate"), 0, 3600, 20), // seconds per page; 0: stay
    theme: one(given.get("theme"), ["dark", "light"], null),
    lang: one(given.get("lang"), ["vi", "en"], "vi"),
    screen: within(given.get("screen"), 5, 200, 55), // inches, 16:9
    distance: within(given.get("distance"), 0.3, 20, 4), // metres
    least: within(given.get("least"), 1, 1000, 10), // dossiers below which a unit is not ranked among the best
    layout: one(given.get("layout"), ["wall", "page"], null),
  };
}

/** The address of another view with everything else kept; null takes a part out. */
export function address(search, changes) {
  const next = new URLSearchParams(search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  const text = next.toString().replaceAll("%2F", "/");
  return text ? `?${text}` : "?";
}

/**
 * The size of text in per cent of the screen's height: the x-height of Inter (0.546 em) is to be seen under 16.5 arc
 * minutes (ISO 9241: 16 at least). 55" at 4 m: 5.1, which is 55 px of 1080.
 */
export function textHeight(screen, distance) {
  const heightM = (screen * 0.0254 * 9) / Math.hypot(16, 9);
  const seenM = 2 * distance * Math.tan((16.5 / 60 / 2) * (Math.PI / 180));
  return Math.min(9, Math.max(2.2, ((seenM / heightM) * 100) / 0.546));
}
