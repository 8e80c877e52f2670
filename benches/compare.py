#!/usr/bin/env python3
"""Does a job of the benchmarks with DuckDB, or in plain Python, on the same files.

    benches/compare.py duckdb|python JOB FOLDER TIMES

The benchmark `jobs` starts it; FOLDER is a workspace for measuring that it has made. Prints the seconds of each time,
the rows and the peak memory as JSON; no seconds where there is nothing to compare with.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

THREADS = os.cpu_count() or 1

# The first 8 bytes of SHA-256(split key, 0x1F, customer key) as an integer: the position of a customer.
POSITION = "CAST('0x' || substr(sha256('churn_prevention' || chr(31) || c.customer_id), 1, 16) AS UBIGINT)"

# Who is sent what, as the campaign of the benchmark says.
PLACED = f"""
    SELECT *, CASE WHEN position < 1844674407370955161 THEN 0 WHEN position < 10145709240540253388 THEN 1 ELSE 2 END AS treatment
    FROM (
        SELECT c.customer_id, c.email, c.phone, c.given_name, c.surname, p.lifecycle_status, p.lifetime_value,
               p.email_opt_in, p.sms_opt_in, {POSITION} AS position,
               CASE p.lifecycle_status WHEN 'active' THEN 1 WHEN 'cooling_down' THEN 2 WHEN 'at_risk' THEN 3 ELSE 4 END AS sub_audience
        FROM customers c LEFT JOIN profiles p USING (customer_id)
        WHERE p.lifetime_value >= 20 AND p.email_opt_in IS NOT FALSE
          AND NOT coalesce(starts_with(c.email, 'staff.') OR starts_with(c.email, 'test.'), false)
    )
"""

EMAIL = "CASE WHEN email LIKE '%_@_%._%' THEN lower(trim(email)) END"
DIGITS = "regexp_replace(phone, '[^0-9]', '', 'g')"
PHONE = f"CASE WHEN length({DIGITS}) >= 10 THEN CASE WHEN phone LIKE '+%' THEN '+' || {DIGITS} ELSE '+1' || right({DIGITS}, 10) END END"

# The columns of each list, what a row must have, what makes a row the same, and how it is written.
LISTS = {
    "klaviyo": (
        f"{EMAIL} AS email, {PHONE} AS phone_number, customer_id AS external_id, given_name, surname",
        "email_opt_in AND (email IS NOT NULL OR phone_number IS NOT NULL)", "email", "json"),
    "attentive": (f"{PHONE} AS phone_number", "sms_opt_in AND phone_number IS NOT NULL", "phone_number", "json"),
    "criteo": (f"sha256({EMAIL}) AS hashed", "email_opt_in AND hashed IS NOT NULL", "hashed", "json"),
    "tiktok_ads": (
        f"sha256({EMAIL}) AS hashed, sha256({PHONE}) AS hashed_phone", "hashed IS NOT NULL OR hashed_phone IS NOT NULL",
        "hashed, hashed_phone", "json"),
    "meta_ads": (
        f"customer_id, sha256({EMAIL}) AS hashed, sha256(ltrim({PHONE}, '+')) AS hashed_phone",
        "hashed IS NOT NULL OR hashed_phone IS NOT NULL", None, "json"),
    "csv": ("customer_id, email, phone, given_name, surname, lifecycle_status, lifetime_value", "true", None, "csv, HEADER"),
}
LISTS["csv_gzip"] = (*LISTS["csv"][:3], "csv, HEADER, COMPRESSION gzip")
LISTS["parquet"] = (*LISTS["csv"][:3], "parquet, COMPRESSION zstd")
PLATFORMS = ["klaviyo", "attentive", "criteo", "tiktok_ads", "meta_ads"]

COUNTS = {
    "count_segment": """
        SELECT count(*) FROM customers c LEFT JOIN profiles p USING (customer_id)
        WHERE p.lifetime_value >= 50 AND p.lifecycle_status = 'active' AND p.email_opt_in
    """,
    "count_orders": """
        SELECT count(*) FROM customers c LEFT JOIN profiles p USING (customer_id)
        LEFT JOIN (SELECT customer_id, count(*) AS orders FROM orders GROUP BY customer_id) o USING (customer_id)
        WHERE p.lifetime_value >= 75 AND o.orders >= 2
    """,
}


def export(connection, name, placed, out):
    """Writes one list, in the order that Consign writes it in; its rows."""
    columns, needed, same, written = LISTS[name]
    aliases = ", ".join(column.rpartition(" AS ")[2].rpartition(" ")[2] for column in split(columns))
    first = "" if same is None else f"QUALIFY row_number() OVER (PARTITION BY sub_audience, treatment, {same} ORDER BY position) = 1"
    rows = connection.execute(f"""
        COPY (
            SELECT {aliases} FROM (
                SELECT sub_audience, treatment, position, email_opt_in, sms_opt_in, {columns}
                FROM ({placed}) raw WHERE treatment > 0
            ) WHERE {needed} {first}
            ORDER BY sub_audience, treatment, position, {aliases.split(",")[0]}
        ) TO '{out}/{name}' (FORMAT {written})
    """).fetchall()
    return rows[0][0]


def split(columns):
    """The columns of a SELECT, cut at the commas outside parentheses."""
    depth, parts = 0, [""]
    for character in columns:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def by_duckdb(job, folder, out):
    """What DuckDB does for a job: a function that gives the rows, or None."""
    import duckdb

    connection = duckdb.connect(config={"threads": THREADS, "temp_directory": out})
    for view, table in [("customers", "Merged_Customers"), ("profiles", "Customer_360"), ("orders", "Orders")]:
        path = str(folder / "data" / f"{table}.parquet").replace("'", "''")
        connection.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet('{path}')")

    def count():
        return connection.execute(COUNTS[job]).fetchall()[0][0]

    def assign():
        copied = connection.execute(f"""
            COPY (SELECT * EXCLUDE (email_opt_in, sms_opt_in) FROM ({PLACED}) ORDER BY position, customer_id)
            TO '{out}/snapshot' (FORMAT parquet, COMPRESSION zstd)
        """).fetchall()
        return copied[0][0]

    def hash_and_encode():
        return connection.execute(f"""
            COPY (
                SELECT sha256({EMAIL}) AS hashed, sha256(ltrim({PHONE}, '+')) AS hashed_phone FROM customers
                WHERE hashed IS NOT NULL OR hashed_phone IS NOT NULL
            ) TO '/dev/null' (FORMAT json, USE_TMP_FILE false)
        """).fetchall()[0][0]

    def run():
        return export(connection, job.removeprefix("run_"), PLACED, out)

    def run_five():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE placed AS {PLACED}")
        return sum(export(connection, name, "SELECT * FROM placed", out) for name in PLATFORMS)

    if job == "run_slow":
        return None
    if job in COUNTS:
        return count
    return {"assign_4x3": assign, "hash_and_encode": hash_and_encode, "run_5_platforms": run_five}.get(job, run)


def by_python(job, folder, _):
    """The hashing job as a script would do it, on one core."""
    if job != "hash_and_encode":
        return None
    import hashlib
    import re

    import pyarrow.parquet

    address, other = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), re.compile(r"[^0-9]")

    def email(text):
        text = (text or "").strip().lower()
        return hashlib.sha256(text.encode()).hexdigest() if address.fullmatch(text) else ""

    def phone(text):
        digits = other.sub("", text or "")
        if len(digits) < 10:
            return ""
        return hashlib.sha256((digits if text.startswith("+") else "1" + digits[-10:]).encode()).hexdigest()

    def encode():
        rows = 0
        table = pyarrow.parquet.ParquetFile(folder / "data" / "Merged_Customers.parquet")
        with open(os.devnull, "w", encoding="utf-8") as sink:
            for batch in table.iter_batches(10_000, columns=["email", "phone"]):
                emails, phones = batch.column(0).to_pylist(), batch.column(1).to_pylist()
                data = [[email(one), phone(two)] for one, two in zip(emails, phones)]
                data = [row for row in data if row[0] or row[1]]
                json.dump({"payload": {"schema": ["EMAIL", "PHONE"], "data": data}}, sink)
                rows += len(data)
        return rows

    return encode


def peak():
    """The most memory that this process has held, in bytes."""
    try:
        status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("duckdb", "python"):
        sys.exit(__doc__)
    side, job, folder, times = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    seconds, rows = [], 0
    with tempfile.TemporaryDirectory(dir=folder) as out:
        work = (by_duckdb if side == "duckdb" else by_python)(job, folder, out)
        for _ in range(times if work else 0):
            start = time.perf_counter()
            rows = work()
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "rows": rows, "peak": peak()}))


if __name__ == "__main__":
    main()
