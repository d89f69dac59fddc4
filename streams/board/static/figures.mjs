// What the wall says about many units: pools, k of n, worst and best, trends. Verdicts come with the rows.

export const CLASSES = ["province-agency", "district", "commune", "other"];
const collator = new Intl.Collator("vi");

export const isGroup = (row) => row.members !== undefined;
export const hasTarget = (row) => row.status === "met" || row.status === "below" || row.status === "no-dossiers";

/** Ratio minus what is expected, in points; for the order of rows only. */
export function margin(row) {
  return (100 * row.numerator) / row.denominator - Number(row.expected ?? 0);
}

/** Rows of units (no groups, no predecessors) under one indicator, by class. */
export function byClass(rows, units, indicator) {
  const found = new Map(CLASSES.map((name) => [name, []]));
  for (const row of rows) {
    if (row.indicator === indicator && !isGroup(row) && !row.frozen) {
      found.get(units[row.unit]?.class ?? "other").push(row);
    }
  }
  return found;
}

/** The overall picture of rows: pooled figures and how the units stand, of those that have a target. */
export function pool(rows) {
  const pooled = { numerator: 0, denominator: 0, met: 0, below: 0, idle: 0, n: 0, low: null, high: null, target: null };
  let weighted = 0;
  let expected = 0;
  for (const row of rows) {
    if (!hasTarget(row)) continue;
    pooled.numerator += row.numerator;
    pooled.denominator += row.denominator;
    pooled.n += 1;
    if (row.status === "met") pooled.met += 1;
    else if (row.status === "below") pooled.below += 1;
    else pooled.idle += 1;
    const target = Number(row.target);
    if (pooled.low === null || target < Number(pooled.low)) pooled.low = row.target;
    if (pooled.high === null || target > Number(pooled.high)) pooled.high = row.target;
    weighted += target * row.denominator;
    expected += Number(row.expected ?? 0) * row.denominator;
  }
  if (pooled.denominator) {
    pooled.target = weighted / pooled.denominator;
    pooled.expected = expected / pooled.denominator;
  } else if (pooled.low !== null) {
    pooled.target = Number(pooled.low);
    pooled.expected = null;
  }
  return pooled;
}

/** Few dossiers: a ratio of three says little, so such units are shown and not ranked among the best. */
export function few(row, indicator, least) {
  return Boolean(indicator?.volume) && row.denominator > 0 && row.denominator < least;
}

/**
 * Rows in the order of who needs attention: those below by what they lack (in dossiers: fair to small units), then
 * those that meet their target, the narrowest first, then the grey ones; equal ones by name.
 */
export function worstFirst(rows, nameOf) {
  const rank = { below: 0, met: 1, "no-dossiers": 2, "no-target": 3, "not-measured": 4 };
  return [...rows].sort(
    (a, b) =>
      rank[a.status] - rank[b.status] ||
      (a.status === "below" ? b.shortfall - a.shortfall || margin(a) - margin(b) : 0) ||
      (a.status === "met" ? margin(a) - margin(b) : 0) ||
      collator.compare(nameOf(a), nameOf(b)),
  );
}

/** What fits on a page: all if they fit, otherwise those who lack most and those who are furthest ahead. */
export function worstAndBest(rows, nameOf, indicator, capacity, least) {
  const ordered = worstFirst(rows, nameOf);
  if (ordered.length <= capacity) return { all: ordered, worst: [], best: [], hidden: 0 };
  const ahead = ordered.filter((row) => row.status === "met" && !few(row, indicator, least)).reverse();
  const behind = ordered.filter((row) => row.status === "below");
  let best = Math.min(ahead.length, Math.max(1, Math.round(capacity * 0.35)));
  const worst = Math.min(behind.length, capacity - best);
  best = Math.min(ahead.length, capacity - worst);
  return {
    all: [],
    worst: behind.slice(0, worst),
    best: ahead.slice(0, best),
    hidden: ordered.length - worst - best,
  };
}

/** Where the last 7 days stand against the last 30: "up", "down", "flat" (within a point), or null. */
export function trend(row) {
  const [[a, b], [c, d]] = [row.last_7_days ?? [0, 0], row.last_30_days ?? [0, 0]];
  if (!b || !d) return null;
  const points = (100 * (a * d - c * b)) / (b * d);
  if (points >= 1) return "up";
  return points <= -1 ? "down" : "flat";
}

/** Open alerts, the gravest first, then those that lack most, then the latest. */
export function ordered(alerts) {
  const rank = { critical: 0, warning: 1, info: 2 };
  return [...alerts].sort(
    (a, b) =>
      rank[a.severity] - rank[b.severity] ||
      b.shortfall - a.shortfall ||
      (a.at < b.at ? 1 : Number(a.at > b.at) * -1) ||
      (a.id < b.id ? -1 : 1),
  );
}
