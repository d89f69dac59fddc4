"""The oracle's SQL: schema, the newest fact of each field, where a dossier counts, sums (contract.md).

Instants are texts that sort as instants and whose integer part counts UTC seconds of proleptic days (decode.instant);
so `(CAST(t AS INTEGER) + 25200) / 86400` is the civil day of Asia/Ho_Chi_Minh, as `date.toordinal` numbers it.
"""

SCHEMA = """
CREATE TABLE events (seq INTEGER PRIMARY KEY, dossier INTEGER NOT NULL, type TEXT NOT NULL, version INTEGER,
                     at TEXT NOT NULL, id TEXT NOT NULL, sha256 BLOB NOT NULL);
CREATE TABLE facts (seq INTEGER NOT NULL, dossier INTEGER NOT NULL, what TEXT NOT NULL, item TEXT NOT NULL,
                    field TEXT NOT NULL, value);
CREATE TABLE homes (code TEXT PRIMARY KEY, unit TEXT NOT NULL);          -- an office counts for its district
CREATE TABLE offers (unit TEXT NOT NULL, procedure TEXT NOT NULL, level TEXT NOT NULL, eligible INTEGER NOT NULL,
                     listed INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, document INTEGER NOT NULL);

CREATE TABLE arrival (seq INTEGER PRIMARY KEY, pos INTEGER NOT NULL, rank INTEGER NOT NULL);
CREATE TABLE scope (dossier INTEGER PRIMARY KEY);                        -- the dossiers being counted anew
CREATE TABLE newest (dossier INTEGER, what TEXT, item TEXT, field TEXT, value);
CREATE TABLE dossiers (dossier INTEGER PRIMARY KEY, unit TEXT, procedure TEXT, channel TEXT, submitted_at TEXT,
                       received_at TEXT, refused_at TEXT, resolved_at TEXT, issued_at TEXT, status TEXT,
                       electronic INTEGER, digitised INTEGER, result_document INTEGER);
CREATE TABLE payments (dossier INTEGER, item TEXT, paid_at TEXT, amount INTEGER, method TEXT, gateway TEXT,
                       exempt INTEGER, refunded INTEGER);
CREATE TABLE copies (dossier INTEGER, item TEXT, at TEXT, unit TEXT, electronic INTEGER);

CREATE TABLE cells (dossier INTEGER NOT NULL, unit TEXT NOT NULL, indicator TEXT NOT NULL, day INTEGER NOT NULL,
                    num INTEGER NOT NULL, den INTEGER NOT NULL);
CREATE TABLE receptions (dossier INTEGER NOT NULL, unit TEXT NOT NULL, procedure TEXT, day INTEGER NOT NULL);

-- "When a dossier counts". Deleted ones count nowhere; a dossier whose unit nobody told has nowhere to count.
CREATE VIEW living AS
SELECT d.*, h.unit AS counted_for,
       refused_at IS NOT NULL AND (received_at IS NULL OR refused_at >= received_at) AS refused,
       CASE WHEN received_at IS NOT NULL THEN received_at
            WHEN resolved_at IS NOT NULL OR issued_at IS NOT NULL THEN submitted_at END AS reception,
       CASE WHEN status IS NOT 'withdrawn' AND (status IS NOT 'stopped' OR resolved_at IS NOT NULL)
            THEN COALESCE(resolved_at, issued_at) END AS resolution
FROM dossiers AS d JOIN homes AS h ON h.code = d.unit
WHERE status IS NOT 'deleted';
"""

INDEXES = """
CREATE INDEX IF NOT EXISTS facts_of_dossier ON facts (dossier);
CREATE INDEX IF NOT EXISTS offers_document ON offers (unit, procedure, document);
CREATE INDEX IF NOT EXISTS offers_eligible ON offers (unit, eligible, first, last, level);
CREATE INDEX IF NOT EXISTS offers_online ON offers (unit, procedure, level, listed, first, last);
CREATE INDEX IF NOT EXISTS cells_of_dossier ON cells (dossier);
CREATE INDEX IF NOT EXISTS receptions_of_dossier ON receptions (dossier);
CREATE INDEX IF NOT EXISTS receptions_of_unit ON receptions (unit, procedure, day);
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
    "DELETE FROM cells WHERE dossier IN scope",
    "DELETE FROM receptions WHERE dossier IN scope",
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
                          issued_at, status, electronic, digitised, result_document)
    SELECT dossier,
           MAX(CASE field WHEN 'unit' THEN value END), MAX(CASE field WHEN 'procedure' THEN value END),
           MAX(CASE field WHEN 'channel' THEN value END), MAX(CASE field WHEN 'submitted_at' THEN value END),
           MAX(CASE field WHEN 'received_at' THEN value END), MAX(CASE field WHEN 'refused_at' THEN value END),
           MAX(CASE field WHEN 'resolved_at' THEN value END), MAX(CASE field WHEN 'issued_at' THEN value END),
           MAX(CASE field WHEN 'status' THEN value END), MAX(CASE field WHEN 'electronic' THEN value END),
           MAX(CASE field WHEN 'digitised' THEN value END), MAX(CASE field WHEN 'result_document' THEN value END)
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
    # ---- received: once each, on the day of reception
    """
    INSERT INTO receptions (dossier, unit, procedure, day)
    SELECT dossier, counted_for, procedure, (CAST(reception AS INTEGER) + 25200) / 86400
    FROM living WHERE NOT refused AND reception IS NOT NULL
    """,
    """
    INSERT INTO cells (dossier, unit, indicator, day, num, den)
    SELECT dossier, counted_for, 'online-dossiers', (CAST(reception AS INTEGER) + 25200) / 86400,
           channel IS 'online', 1
    FROM living
    WHERE NOT refused AND reception IS NOT NULL AND (:postal OR channel IS NOT 'postal')
    """,
    # ---- resolved, where a document is issued: the dossier's own word first, then the catalogue's
    """
    INSERT INTO cells (dossier, unit, indicator, day, num, den)
    WITH resolved AS (
      SELECT dossier, counted_for AS unit, (CAST(resolution AS INTEGER) + 25200) / 86400 AS day, electronic, digitised
      FROM living AS l
      WHERE NOT refused AND resolution IS NOT NULL
        AND COALESCE(result_document, NOT EXISTS (SELECT 1 FROM offers AS o
                     WHERE o.unit = l.counted_for AND o.procedure = l.procedure AND NOT o.document)))
    SELECT dossier, unit, 'digitised-results', day, digitised IS 1, 1 FROM resolved
    UNION ALL
    SELECT dossier, unit, 'electronic-results', day, electronic IS 1, 1 FROM resolved
    """,
    # ---- paid: per transaction, for the dossier's unit, refused and withdrawn dossiers too
    """
    INSERT INTO cells (dossier, unit, indicator, day, num, den)
    SELECT p.dossier, counted_for, 'online-payments', (CAST(paid_at AS INTEGER) + 25200) / 86400,
           method IS 'online' AND gateway IS 'national', 1
    FROM payments AS p JOIN living AS l ON l.dossier = p.dossier
    WHERE paid_at IS NOT NULL AND exempt IS NOT 1 AND amount IS NOT 0 AND refunded IS NOT 1
    """,
    # ---- certified: per copy, for the copy's own unit
    """
    INSERT INTO cells (dossier, unit, indicator, day, num, den)
    SELECT c.dossier, h.unit, 'electronic-copies', (CAST(at AS INTEGER) + 25200) / 86400, c.electronic IS 1, 1
    FROM copies AS c LEFT JOIN dossiers AS d ON d.dossier = c.dossier
         JOIN homes AS h ON h.code = COALESCE(c.unit, d.unit)
    WHERE at IS NOT NULL AND d.status IS NOT 'deleted'
    """,
)

SUMS = """
SELECT unit, indicator, SUM(num), SUM(den) FROM cells WHERE day BETWEEN :first AND :last GROUP BY unit, indicator
"""

DAYS = "SELECT unit, indicator, day, SUM(num), SUM(den) FROM cells GROUP BY unit, indicator, day"

COUNTED_UNITS = """
SELECT unit FROM cells WHERE day BETWEEN :first AND :last
UNION SELECT unit FROM receptions WHERE day BETWEEN :first AND :last
"""

# "full-online-provision = eligible rows that are full / eligible rows", as of the day asked.
PROVISION = """
SELECT unit, SUM(level = 'full'), COUNT(*) FROM offers
WHERE eligible AND :last BETWEEN first AND last GROUP BY unit
"""

# "services-with-dossiers = online services (full or partial, listed) with at least one dossier received in the period /
# online services": the denominator of each unit, then its numerator.
SERVICES = """
SELECT unit, COUNT(DISTINCT procedure) FROM offers
WHERE level IN ('full', 'partial') AND listed AND :last BETWEEN first AND last GROUP BY unit
"""

SERVICES_USED = """
SELECT unit, COUNT(*)
FROM (SELECT DISTINCT unit, procedure FROM receptions WHERE day BETWEEN :first AND :last) AS r
WHERE EXISTS (SELECT 1 FROM offers AS o
              WHERE o.unit = r.unit AND o.procedure = r.procedure
                AND level IN ('full', 'partial') AND listed AND :last BETWEEN first AND last)
GROUP BY unit
"""

CODES = """
SELECT DISTINCT value FROM facts WHERE field = 'unit'
"""

# Where each tick falls among the arrivals: the position of the first event whose `at` is later than the tick.
CLOCK = "SELECT a.pos, e.at, e.dossier FROM arrival AS a JOIN events AS e ON e.seq = a.seq ORDER BY a.pos"
