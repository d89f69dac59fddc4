"""The oracle's SQL: schema, the newest fact of each field, where a dossier counts, sums (contract.md).

Instants are texts that sort as instants and whose integer part counts UTC seconds of proleptic days (decode.instant);
so `(CAST(t AS INTEGER) + 25200) / 86400` is the civil day of Asia/Ho_Chi_Minh, as `date.toordinal` numbers it.
"""

from collections.abc import Iterator

SCHEMA = """
CREATE TABLE events (seq INTEGER PRIMARY KEY, dossier INTEGER NOT NULL, type TEXT NOT NULL, version INTEGER,
                     at TEXT NOT NULL, id TEXT NOT NULL, sha256 BLOB NOT NULL);
CREATE TABLE facts (seq INTEGER NOT NULL, dossier INTEGER NOT NULL, what TEXT NOT NULL, item TEXT NOT NULL,
                    field TEXT NOT NULL, value);
CREATE TABLE homes (code TEXT PRIMARY KEY, unit TEXT NOT NULL);          -- an office counts for its district
CREATE TABLE offers (unit TEXT NOT NULL, procedure TEXT NOT NULL, level TEXT NOT NULL, eligible INTEGER NOT NULL,
                     listed INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, document INTEGER NOT NULL,
                     portal INTEGER NOT NULL, old INTEGER NOT NULL, new INTEGER NOT NULL, payable INTEGER NOT NULL);
CREATE TABLE heirs (day INTEGER NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, procedure TEXT);   -- NULL: all the rest

CREATE TABLE arrival (seq INTEGER PRIMARY KEY, pos INTEGER NOT NULL, rank INTEGER NOT NULL);
CREATE TABLE scope (dossier INTEGER PRIMARY KEY);                        -- the dossiers being counted anew
CREATE TABLE newest (dossier INTEGER, what TEXT, item TEXT, field TEXT, value);
CREATE TABLE dossiers (dossier INTEGER PRIMARY KEY, unit TEXT, procedure TEXT, channel TEXT, submitted_at TEXT,
                       received_at TEXT, refused_at TEXT, resolved_at TEXT, issued_at TEXT, status TEXT,
                       electronic INTEGER, digitised INTEGER, result_document INTEGER, due_at TEXT, fee INTEGER,
                       reused INTEGER, component_digitised INTEGER, assisted INTEGER, exempt_from_count INTEGER);
CREATE TABLE payments (dossier INTEGER, item TEXT, paid_at TEXT, amount INTEGER, method TEXT, gateway TEXT,
                       exempt INTEGER, refunded INTEGER);
CREATE TABLE copies (dossier INTEGER, item TEXT, at TEXT, unit TEXT, electronic INTEGER);

-- What counts, once each, for the unit that the event names; and who holds it: the unit whose own it is (since 0) and
-- each heir since the day of its succession.
CREATE TABLE cells (cell INTEGER PRIMARY KEY, dossier INTEGER NOT NULL, unit TEXT NOT NULL, procedure TEXT,
                    indicator TEXT NOT NULL, day INTEGER NOT NULL, num INTEGER NOT NULL, den INTEGER NOT NULL,
                    listed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE held (cell INTEGER NOT NULL, dossier INTEGER NOT NULL, unit TEXT NOT NULL, since INTEGER NOT NULL,
                   origin TEXT NOT NULL, procedure TEXT, indicator TEXT NOT NULL, day INTEGER NOT NULL,
                   num INTEGER NOT NULL, den INTEGER NOT NULL, listed INTEGER NOT NULL);

-- "When a dossier counts". Deleted ones count nowhere; a dossier whose unit nobody told has nowhere to count.
CREATE VIEW living AS
SELECT d.*, h.unit AS counted_for,
       refused_at IS NOT NULL AND (received_at IS NULL OR refused_at >= received_at) AS refused,
       CASE WHEN received_at IS NOT NULL THEN received_at
            WHEN resolved_at IS NOT NULL OR issued_at IS NOT NULL THEN submitted_at END AS reception,
       CASE WHEN status IS NOT 'withdrawn' AND (status IS NOT 'stopped' OR resolved_at IS NOT NULL)
            THEN COALESCE(resolved_at, issued_at) END AS resolution,
       CASE WHEN status IS NOT 'withdrawn' AND (status IS NOT 'stopped' OR resolved_at IS NOT NULL)
            THEN issued_at END AS issue
FROM dossiers AS d JOIN homes AS h ON h.code = d.unit
WHERE status IS NOT 'deleted';
"""

INDEXES = """
CREATE INDEX IF NOT EXISTS facts_of_dossier ON facts (dossier);
CREATE INDEX IF NOT EXISTS offers_document ON offers (unit, procedure, document);
CREATE INDEX IF NOT EXISTS offers_eligible ON offers (unit, eligible, first, last, level);
CREATE INDEX IF NOT EXISTS offers_online ON offers (unit, procedure, level, listed, first, last);
CREATE INDEX IF NOT EXISTS cells_of_dossier ON cells (dossier);
CREATE INDEX IF NOT EXISTS held_of_dossier ON held (dossier);
CREATE INDEX IF NOT EXISTS held_of_unit ON held (unit, indicator, procedure, day);
ANALYZE;
"""

# The order of facts: versioned over unversioned, then version, `at`, id, SHA-256. The type comes last, for one record
# body under two CloudEvents headers; the order of arrival never decides.
RANK = """
INSERT INTO arrival (seq, pos, rank)
SELECT seq, seq, ROW_NUMBER() OVER (ORDER BY version IS NOT NULL, version, at, id, sha256, type) FROM events
"""

# One statement after another, for the dossiers in scope and the events before :horizon.
COUNT_ANEW = (
    "DELETE FROM newest",
    "DELETE FROM dossiers",
    "DELETE FROM payments",
    "DELETE FROM copies",
    "DELETE FROM held WHERE dossier IN scope",
    "DELETE FROM cells WHERE dossier IN scope",
    # ---- the newest fact of each field wins
    """
    INSERT INTO newest (dossier, what, item, field, value)
    SELECT dossier, what, item, field, value
    FROM (SELECT f.dossier, what, item, field, value,
                 ROW_NUMBER() OVER (PARTITION BY f.dossier, what, item, field ORDER BY rank DESC) AS newest
          FROM scope CROSS JOIN facts AS f ON f.dossier = scope.dossier CROSS JOIN arrival AS a ON a.seq = f.seq
          WHERE a.pos < :horizon)
    WHERE newest = 1
    """,
    """
    INSERT INTO dossiers (dossier, unit, procedure, channel, submitted_at, received_at, refused_at, resolved_at,
                          issued_at, status, electronic, digitised, result_document, due_at, fee, reused,
                          component_digitised, assisted, exempt_from_count)
    SELECT dossier,
           MAX(CASE field WHEN 'unit' THEN value END), MAX(CASE field WHEN 'procedure' THEN value END),
           MAX(CASE field WHEN 'channel' THEN value END), MAX(CASE field WHEN 'submitted_at' THEN value END),
           MAX(CASE field WHEN 'received_at' THEN value END), MAX(CASE field WHEN 'refused_at' THEN value END),
           MAX(CASE field WHEN 'resolved_at' THEN value END), MAX(CASE field WHEN 'issued_at' THEN value END),
           MAX(CASE field WHEN 'status' THEN value END), MAX(CASE field WHEN 'electronic' THEN value END),
           MAX(CASE field WHEN 'digitised' THEN value END), MAX(CASE field WHEN 'result_document' THEN value END),
           MAX(CASE field WHEN 'due_at' THEN value END), MAX(CASE field WHEN 'fee' THEN value END),
           MAX(CASE field WHEN 'reused' THEN value END), MAX(CASE field WHEN 'component_digitised' THEN value END),
           MAX(CASE field WHEN 'assisted' THEN value END), MAX(CASE field WHEN 'exempt_from_count' THEN value END)
    FROM newest WHERE what = 'dossier' GROUP BY dossier
    """,
    """
    INSERT INTO payments (dossier, item, paid_at, amount, method, gateway, exempt, refunded)
    SELECT dossier, item,
           MAX(CASE field WHEN 'paid_at' THEN value END), MAX(CASE field WHEN 'amount' THEN value END),
           MAX(CASE field WHEN 'method' THEN value END), MAX(CASE field WHEN 'gateway' THEN value END),
           MAX(CASE field WHEN 'exempt' THEN value END), MAX(CASE field WHEN 'refunded' THEN value END)
    FROM newest WHERE what = 'payment' GROUP BY dossier, item
    """,
    """
    INSERT INTO copies (dossier, item, at, unit, electronic)
    SELECT dossier, item,
           MAX(CASE field WHEN 'at' THEN value END), MAX(CASE field WHEN 'unit' THEN value END),
           MAX(CASE field WHEN 'electronic' THEN value END)
    FROM newest WHERE what = 'copy' GROUP BY dossier, item
    """,
    # ---- dossiers are counted by the decision's own formulas, see `dossier_cells`
    # ---- paid: per transaction, for the dossier's unit, refused and withdrawn dossiers too
    """
    INSERT INTO cells (dossier, unit, procedure, indicator, day, num, den)
    SELECT p.dossier, counted_for, procedure, 'online-payments', (CAST(paid_at AS INTEGER) + 25200) / 86400,
           method IS 'online' AND gateway IS 'national', 1
    FROM payments AS p JOIN living AS l ON l.dossier = p.dossier
    WHERE paid_at IS NOT NULL AND exempt IS NOT 1 AND amount IS NOT 0 AND refunded IS NOT 1
      AND exempt_from_count IS NOT 1
    """,
    # ---- certified: per copy, for the copy's own unit
    """
    INSERT INTO cells (dossier, unit, procedure, indicator, day, num, den)
    SELECT c.dossier, h.unit, procedure, 'electronic-copies', (CAST(at AS INTEGER) + 25200) / 86400, c.electronic IS 1, 1
    FROM copies AS c LEFT JOIN dossiers AS d ON d.dossier = c.dossier
         JOIN homes AS h ON h.code = COALESCE(c.unit, d.unit)
    WHERE at IS NOT NULL AND d.status IS NOT 'deleted' AND d.exempt_from_count IS NOT 1
    """,
)

# From unit to heir: the first succession not before the last one taken, for the procedure or for all the rest. A cell is
# held by where it has come to by its own day, and by every heir after that.
HOLD = """
INSERT INTO held (cell, dossier, unit, since, origin, procedure, indicator, day, num, den, listed)
WITH RECURSIVE chain (cell, unit, since, day, procedure, step) AS (
  SELECT cell, unit, 0, day, procedure, 0 FROM cells WHERE dossier IN scope
  UNION ALL
  SELECT c.cell, h.new, h.day, c.day, c.procedure, step + 1 FROM chain AS c JOIN heirs AS h ON h.rowid = (
    SELECT n.rowid FROM heirs AS n
    WHERE n.old = c.unit AND n.day >= c.since AND (n.procedure IS NULL OR n.procedure = c.procedure)
    ORDER BY n.day, n.procedure IS NULL LIMIT 1)),
own AS (SELECT cell, unit, MAX(step) AS step FROM chain WHERE since <= day GROUP BY cell)
SELECT c.cell, c.dossier, o.unit, 0, o.unit, c.procedure, indicator, c.day, num, den, listed
FROM own AS o JOIN cells AS c USING (cell)
UNION ALL
SELECT c.cell, c.dossier, later.unit, MIN(later.since), o.unit, c.procedure, indicator, c.day, num, den, listed
FROM chain AS later JOIN cells AS c USING (cell) JOIN own AS o USING (cell)
WHERE later.step > o.step AND later.unit <> o.unit
GROUP BY c.cell, later.unit
"""
HOLD_WITHOUT_HEIRS = """
INSERT INTO held (cell, dossier, unit, since, origin, procedure, indicator, day, num, den, listed)
SELECT cell, dossier, unit, 0, unit, procedure, indicator, day, num, den, listed FROM cells WHERE dossier IN scope
"""

# Whether a dossier's procedure is listed for its unit on the day of its reception (contract.md "Procedure catalogue").
LISTED = """EXISTS (SELECT 1 FROM offers AS o WHERE o.unit = l.counted_for AND o.procedure = l.procedure AND {list}
                     AND (CAST(reception AS INTEGER) + 25200) / 86400 BETWEEN o.first AND o.last)"""
ON_LIST = {
    "thai-binh-2024": "o.listed",
    "hai-duong-2022": "o.listed",
    "lak-2022": "o.listed",
    "ha-tinh": "o.listed AND o.level = 'full'",
    # Điều 2: in both, from the first day to the last; dropped, until the replacement; new, some days after it.
    "khanh-hoa-2024": """(o.old OR o.new) AND CASE
        WHEN EXISTS (SELECT 1 FROM offers AS a WHERE a.unit = o.unit AND a.procedure = o.procedure AND a.old)
         AND EXISTS (SELECT 1 FROM offers AS b WHERE b.unit = o.unit AND b.procedure = o.procedure AND b.new) THEN 1
        WHEN o.old THEN :until IS NULL OR (CAST(reception AS INTEGER) + 25200) / 86400 <= :until
        ELSE :since IS NOT NULL AND (CAST(reception AS INTEGER) + 25200) / 86400 >= :since END""",
}
DAY_OF = {"received": "reception", "resolved": "resolution", "issued": "issue"}
MARK = {
    "online": "channel IS 'online'",
    "digitised": "digitised IS 1",
    "electronic": "electronic IS 1",
    # the dossier's own word first, then the catalogue's
    "result-document": """COALESCE(result_document, NOT EXISTS (SELECT 1 FROM offers AS o
                            WHERE o.unit = l.counted_for AND o.procedure = l.procedure AND NOT o.document))""",
}


# What a decision's own indicators may ask, of the dossier `l` and on the civil day {day}.
PAID = """EXISTS (SELECT 1 FROM payments AS p WHERE p.dossier = l.dossier AND paid_at IS NOT NULL AND p.exempt IS NOT 1
                    AND amount IS NOT 0 AND refunded IS NOT 1 AND method IS 'online' AND {how})"""
OFFERED = """EXISTS (SELECT 1 FROM offers AS o WHERE o.unit = l.counted_for AND o.procedure = l.procedure AND {what}
                      AND {day} BETWEEN o.first AND o.last)"""
OWN_MARK = {
    **MARK,
    "postal": "channel IS 'postal'",
    "assisted": "assisted IS 1",
    "fee": "fee > 0",
    "reused": "reused IS 1",
    "component-digitised": "component_digitised IS 1",
    "due": "due_at IS NOT NULL",
    "on-time": "resolution IS NOT NULL AND due_at IS NOT NULL AND resolution <= due_at",
    "paid-online": PAID.format(how="1"),
    "national-gateway": PAID.format(how="gateway IS 'national'"),
    "exempt": """EXISTS (SELECT 1 FROM payments AS p WHERE p.dossier = l.dossier AND paid_at IS NOT NULL
                         AND p.exempt IS 1 AND refunded IS NOT 1)""",
    "full": OFFERED.replace("{what}", "o.level = 'full'"),
    "partial": OFFERED.replace("{what}", "o.level = 'partial'")
    + " AND NOT "
    + OFFERED.replace("{what}", "o.level = 'full'"),
    "payable-online": OFFERED.replace("{what}", "o.payable"),
}
CIVIL = "(CAST({} AS INTEGER) + 25200) / 86400"


def asked(filters: tuple[str, ...], day: str, decision: str, marks: dict[str, str] = OWN_MARK) -> list[str]:
    """Write what filters ask, each a condition that is 0 or 1 and never null; `!` in front is its negation."""
    known = {**marks, "listed": LISTED.format(list=ON_LIST.get(decision, "o.listed"))}
    found = []
    for name in filters:
        condition = f"COALESCE(({known[name.removeprefix('!')]}), 0)".replace("{day}", day)
        found.append(f"NOT {condition}" if name.startswith("!") else condition)
    return found


def dossier_cells(decision: str, indicator: str, basis: str, above: tuple[str, ...], below: tuple[str, ...]) -> str:
    """Write the statement that counts dossiers under one indicator: all words in it are those of this module."""
    day = CIVIL.format(DAY_OF[basis])
    numerator = " AND ".join(asked(above, day, decision)) or "1"
    where = asked(below, day, decision)
    if indicator == "online-dossiers":
        where.append("(:postal OR channel IS NOT 'postal')")
    asks = asked(("listed",), day, decision)[0] if "listed" in above and "listed" not in below else "0"
    if {"full", "partial", "payable-online"} & {*above} - {*below}:
        capping = tuple(f for f in above if f in ("listed", "full", "partial", "payable-online") and f not in below)
        asks = " AND ".join(asked(capping, day, decision))
    counted = " AND ".join(["NOT refused", f"{DAY_OF[basis]} IS NOT NULL", *where])
    return f"""
    INSERT INTO cells (dossier, unit, procedure, indicator, day, num, den, listed)
    SELECT dossier, counted_for, procedure, '{indicator}', {day}, {numerator}, 1, {asks}
    FROM living AS l WHERE {counted} AND exempt_from_count IS NOT 1
    """  # noqa: S608 - see above


def beside_cells(
    decision: str, indicator: str, basis: str, above: tuple[str, ...], below: tuple[str, ...]
) -> Iterator[str]:
    """Write what counts beside an indicator of dossiers: those exempt; of online ones those filed with assistance."""
    day = CIVIL.format(DAY_OF[basis])
    where = asked(below, day, decision)
    if indicator == "online-dossiers":
        where.append("(:postal OR channel IS NOT 'postal')")
    counted = " AND ".join(["NOT refused", f"{DAY_OF[basis]} IS NOT NULL", *where])
    numerator = " AND ".join(asked(above, day, decision)) or "1"
    beside = [("exempt", "exempt_from_count IS 1")]
    if "online" in (*above, *below):
        beside.append(("assisted", f"exempt_from_count IS NOT 1 AND assisted IS 1 AND {numerator}"))
    for word, condition in beside:
        yield f"""
        INSERT INTO cells (dossier, unit, procedure, indicator, day, num, den)
        SELECT dossier, counted_for, procedure, '{indicator} {word}', {day}, 1, 1
        FROM living AS l WHERE {counted} AND {condition}
        """  # noqa: S608 - see above


def payment_cells(decision: str, indicator: str, above: tuple[str, ...], below: tuple[str, ...]) -> str:
    """Write the statement that counts payments under an indicator of a decision's own."""
    own = {
        **OWN_MARK,
        "online": "method IS 'online'",
        "paid-online": "method IS 'online'",
        "national-gateway": "method IS 'online' AND gateway IS 'national'",
        "exempt": "0",
    }
    day = CIVIL.format("paid_at")
    numerator = " AND ".join(asked(above, day, decision, own)) or "method IS 'online'"
    where = " AND ".join(("1", *asked(below, day, decision, own)))
    return f"""
    INSERT INTO cells (dossier, unit, procedure, indicator, day, num, den)
    SELECT q.dossier, counted_for, procedure, '{indicator}', {day}, {numerator}, 1
    FROM payments AS q JOIN living AS l ON l.dossier = q.dossier
    WHERE paid_at IS NOT NULL AND exempt IS NOT 1 AND amount IS NOT 0 AND refunded IS NOT 1
      AND exempt_from_count IS NOT 1 AND {where}
    """  # noqa: S608 - see above


def share_of_catalogue(above: tuple[str, ...], below: tuple[str, ...]) -> str:
    """Write the question how many procedures of each unit hold what is asked, as of a day; `offers` has many rows of one."""

    def holds(name: str) -> str:
        """Write whether a filter holds of a procedure, by its offers in force on the day, taken together."""
        condition = {
            "full": "MAX(level = 'full')",
            "partial": "MAX(level = 'partial') AND NOT MAX(level = 'full')",
            "payable-online": "MAX(payable)",
            "listed": "MAX(listed)",
        }[name.removeprefix("!")]
        return f"NOT ({condition})" if name.startswith("!") else f"({condition})"

    numerator, denominator = (" AND ".join(("1", *map(holds, filters))) for filters in (above, below))
    return f"""
    SELECT unit, SUM(above), COUNT(*) FROM (
      SELECT unit, procedure, {numerator} AS above, {denominator} AS below FROM offers
      WHERE :last BETWEEN first AND last GROUP BY unit, procedure) WHERE below GROUP BY unit
    """  # noqa: S608 - see above


OVERDUE = """
SELECT counted_for, COUNT(*) FROM living
WHERE NOT refused AND exempt_from_count IS NOT 1 AND due_at IS NOT NULL
  AND (CAST(due_at AS INTEGER) + 25200) / 86400 <= :last AND (CAST(reception AS INTEGER) + 25200) / 86400 <= :last
  AND CASE WHEN resolution IS NULL THEN status IS NULL ELSE (CAST(resolution AS INTEGER) + 25200) / 86400 > :last END
GROUP BY counted_for
"""

SUMS = """
SELECT unit, indicator, SUM(num), SUM(den), SUM(listed) FROM held
WHERE day BETWEEN :first AND :last AND since <= :asked AND indicator <> 'services-with-dossiers'
GROUP BY unit, indicator
"""

WEIGHTS = """
SELECT origin, SUM(den) FROM held
WHERE unit = :unit AND indicator = :indicator AND day BETWEEN :first AND :last AND since BETWEEN 1 AND :asked
GROUP BY origin
"""

DAYS = """
SELECT unit, indicator, day, SUM(num), SUM(den) FROM held
WHERE since = 0 AND indicator <> 'services-with-dossiers' GROUP BY unit, indicator, day
"""

COUNTED_UNITS = "SELECT DISTINCT unit FROM held WHERE day BETWEEN :first AND :last AND since <= :asked"

# "full-online-provision = eligible rows that are full / eligible rows", as of the day asked.
PROVISION = """
SELECT unit, SUM(level = 'full'), COUNT(*) FROM offers
WHERE eligible AND :last BETWEEN first AND last GROUP BY unit
"""

# "services-with-dossiers = online services (full or partial, listed) with at least one dossier received in the period /
# online services": the denominator of each unit, then its numerator. In Hà Tĩnh those are the listed rows of level full,
# and the dossier is an online one.
ONLINE_SERVICE = {
    "thai-binh-2024": "level IN ('full', 'partial') AND listed",
    "ha-tinh": "level = 'full' AND listed",
}
SERVICES = """
SELECT unit, COUNT(DISTINCT procedure) FROM offers WHERE {service} AND :last BETWEEN first AND last GROUP BY unit
"""

SERVICES_USED = """
SELECT unit, COUNT(*)
FROM (SELECT DISTINCT unit, procedure FROM held
      WHERE indicator = 'services-with-dossiers' AND num = 1 AND day BETWEEN :first AND :last AND since <= :asked) AS r
WHERE EXISTS (SELECT 1 FROM offers AS o
              WHERE o.unit = r.unit AND o.procedure = r.procedure AND {service} AND :last BETWEEN first AND last)
GROUP BY unit
"""

INTEGRATED = """
SELECT unit, COUNT(DISTINCT procedure)
FROM offers AS s
WHERE {service} AND :last BETWEEN first AND last
  AND EXISTS (SELECT 1 FROM offers AS o WHERE o.unit = s.unit AND o.procedure = s.procedure AND o.portal
                                          AND :last BETWEEN o.first AND o.last)
GROUP BY unit
"""

CODES = """
SELECT DISTINCT value FROM facts WHERE field = 'unit'
"""

# Where each tick falls among the arrivals: the position of the first event whose `at` is later than the tick.
CLOCK = "SELECT a.pos, e.at, e.dossier FROM arrival AS a JOIN events AS e ON e.seq = a.seq ORDER BY a.pos"
