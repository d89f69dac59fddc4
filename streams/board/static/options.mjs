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

/** What one has to see of an x-height at least: ISO 9241 asks for 16 arc minutes. */
const MINUTES = 16.5;
const X_HEIGHT_EM = 0.546; // of Inter

/**
 * The size of text in pixels, for the x-height of Inter to be seen under 16.5 arc minutes, on a screen that shows so many
 * pixels on its diagonal, however it hangs. 55" at 4 m: 55 px of 1920 x 1080.
 */
export function textPx(screen, distance, width, height) {
  const seenM = 2 * distance * Math.tan((MINUTES / 60 / 2) * (Math.PI / 180));
  const pixelM = (screen * 0.0254) / Math.hypot(width, height);
  const px = seenM / pixelM / X_HEIGHT_EM;
  const least = 0.022 * Math.min(width, height);
  return Math.min(width / 15, height / 11, Math.max(least, px));
}
