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
 * those that meet their target, the narrowest first, then those with too few dossiers to be ranked at all, then the
 * grey ones; equal ones by name.
 * @param small whether a row has too few dossiers
 */
export function worstFirst(rows, nameOf, small = () => false) {
  const order = { below: 0, met: 1, "no-dossiers": 3, "no-target": 4, "not-measured": 5 };
  const rank = (row) => (order[row.status] < 2 && small(row) ? 2 : order[row.status]);
  return [...rows].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (rank(a) === 0 ? b.shortfall - a.shortfall || margin(a) - margin(b) : 0) ||
      (rank(a) === 1 ? margin(a) - margin(b) : 0) ||
      collator.compare(nameOf(a), nameOf(b)),
  );
}

/** Whether two rows stand alike: the same exact ratio, against the same expectation, and as much lacking. */
export const tied = (a, b) =>
  a.numerator * b.denominator === b.numerator * a.denominator &&
  Number(a.expected ?? 0) === Number(b.expected ?? 0) &&
  a.shortfall === b.shortfall;

/** The first so many of a ranking; a group of ties that the end of the page would cut is told as one, not named. */
function untilTies(ranked, most) {
  let end = Math.min(most, ranked.length);
  if (end === ranked.length || !tied(ranked[end - 1] ?? {}, ranked[end])) return { named: ranked.slice(0, end), tie: null };
  const first = ranked.findIndex((row) => tied(row, ranked[end]));
  end = first;
  let last = end;
  while (last < ranked.length && tied(ranked[last], ranked[first])) last += 1;
  return { named: ranked.slice(0, end), tie: { n: last - first, row: ranked[first] } };
}

/**
 * What fits on a page: all if they fit, otherwise those who lack most and those who are furthest ahead. Nobody is named
 * for a place that others share and for whom there is no room, nor for a handful of dossiers.
 */
export function worstAndBest(rows, nameOf, indicator, capacity, least) {
  const small = (row) => few(row, indicator, least);
  const ordered = worstFirst(rows, nameOf, small);
  const nothing = { worst: [], best: [], worstTie: null, bestTie: null, hidden: 0, few: 0 };
  if (ordered.length <= capacity) return { ...nothing, all: ordered };
  const behind = ordered.filter((row) => row.status === "below" && !small(row));
  const ahead = ordered.filter((row) => row.status === "met" && !small(row)).reverse();
  let best = Math.min(ahead.length, capacity < 3 ? 0 : Math.round(capacity * 0.35));
  const worst = Math.min(behind.length, capacity - best);
  best = Math.min(ahead.length, capacity - worst);
  const [last, first] = [untilTies(behind, worst), untilTies(ahead, best)];
  const told = [last, first].reduce((sum, { named, tie }) => sum + named.length + (tie?.n ?? 0), 0);
  const tiny = rows.filter((row) => (row.status === "below" || row.status === "met") && small(row)).length;
  return {
    all: [],
    worst: last.named,
    best: first.named,
    worstTie: last.tie,
    bestTie: first.tie,
    hidden: ordered.length - told - tiny,
    few: tiny,
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

/** What concerns no unit but the figures of all: it stands before any unit's alert. */
export const isSystem = (alert) => alert.kind === "source-silent" || alert.kind === "data-quality";

const RANK = { critical: 0, warning: 1, info: 2 };

/**
 * Open alerts in the order in which they are told: that the source is silent, then by gravity, then by what lacks today
 * (by the unit's row, not by the alert of then), then the latest.
 * @param byKey rows by "indicator/unit"
 */
export function ordered(alerts, byKey = new Map()) {
  const first = (alert) => (alert.kind === "source-silent" ? 0 : 1);
  const lacks = (alert) => (byKey.get(`${alert.indicator}/${alert.unit}`) ?? alert).shortfall;
  return [...alerts].sort(
    (a, b) =>
      first(a) - first(b) ||
      RANK[a.severity] - RANK[b.severity] ||
      lacks(b) - lacks(a) ||
      (a.at < b.at ? 1 : Number(a.at > b.at) * -1) ||
      (a.id < b.id ? -1 : 1),
  );
}

/** Of alerts in their order the first of each unit, with how many more it has; at most so many. */
export function onePerUnit(alerts, most) {
  const found = new Map();
  for (const alert of alerts) {
    const known = found.get(alert.unit);
    if (known) known.more += 1;
    else found.set(alert.unit, { alert, more: 0 });
  }
  return [...found.values()].slice(0, most);
}

/** How many alerts each class of units has, in the order of the classes. */
export function countByClass(alerts, units) {
  const counts = new Map(CLASSES.map((name) => [name, 0]));
  for (const alert of alerts) {
    const name = units[alert.unit]?.class ?? "other";
    counts.set(name, counts.get(name) + 1);
  }
  return [...counts].filter(([, n]) => n > 0);
}

/**
 * Whether an alert and its row agree: "open" where the row is below or names the alert as open, "recovering" where it
 * names it and meets its target, "doubtful" where the row, which is newer, knows of no alert.
 */
export function agreement(alert, row) {
  if (isSystem(alert) || row === undefined) return "open";
  if (!row.alert) return "doubtful";
  return row.status === "met" && alert.kind !== "forecast-miss" && alert.kind !== "unreachable" ? "recovering" : "open";
}
